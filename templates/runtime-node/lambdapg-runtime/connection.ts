// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type pg from 'pg';
import type { Credentials } from './credentials.ts';
import { type Opened, openClient } from './open-client.ts';
import { type ProbeAnswer, probe } from './probe.ts';
import { renewClient } from './renew-client.ts';
import type { Settings } from './settings.ts';
import { afterSilence, readWhatCame } from './silence.ts';

/** Unused for longer: look whether the server said goodbye (no round trip). Less is no freeze worth the name. */
const lookAfterMs = 10;
/** Unused for longer: ask the server whether it is there (one round trip). */
const askAfterMs = 1_000;
/** How long the answer may take before the connection counts as dead. */
const answerWithinMs = 2_000;
/** How often the store is asked at most, whatever age its values may have. */
const leastRenewalMs = 1_000;

/**
 * The one connection of an execution environment: opened at first use, kept while the environment is frozen, replaced
 * when it died, exchanged when the store has another login. Nothing that was sent is ever sent again: a statement whose answer was lost may have been executed.
 */
export class Connection {
  readonly #settings: () => Settings;
  #client: pg.Client | undefined;
  /** Whether there ever was one: then a server that does not listen is one that is being restarted. */
  #opened = false;
  /** When the server last answered; 0 after an error. Wall clock: a monotonic one may stand still while frozen. */
  #provenAt = 0;
  /** The login of `#client`, and from when on the store is asked whether it still is the right one. Wall clock. */
  #credentials: Credentials | undefined;
  #renewAt = Number.POSITIVE_INFINITY;

  constructor(settings: () => Settings) {
    this.#settings = settings;
  }

  /** A client that was alive a moment ago; a promise only where something has to be done for it. */
  ready(): pg.Client | Promise<pg.Client> {
    const client = this.#client;
    if (client === undefined) return this.#open();
    const now = Date.now();
    const idleMs = now - this.#provenAt;
    // Of all that may have to be done, the way of every statement pays two comparisons.
    return idleMs >= 0 && idleMs < lookAfterMs && now < this.#renewAt ? client : this.#check(client, idleMs);
  }

  /** Opens a new connection with what the store holds now; it takes the place of the old one. Never rejects. */
  async probe(): Promise<ProbeAnswer> {
    const { answer, opened } = await probe(this.#settings);
    if (opened !== undefined) this.#exchange(opened);
    return answer;
  }

  /** Runs one statement on `client`. After an error the connection has to prove itself before its next use. */
  async run(client: pg.Client, sql: string, params: readonly unknown[]): Promise<pg.QueryResult> {
    try {
      const result: pg.QueryResult | pg.QueryResult[] = await client.query(sql, params as unknown[]);
      this.#provenAt = Date.now();
      return Array.isArray(result) ? (result.at(-1) as pg.QueryResult) : result;
    } catch (error) {
      this.#provenAt = 0;
      throw error;
    }
  }

  /** Whether the server accepts `sql` soon. Only for statements that do no harm when the answer is lost. */
  async answers(client: pg.Client, sql: '' | 'rollback'): Promise<boolean> {
    return new Promise((resolve) => {
      const stopTimer = afterSilence(answerWithinMs, () => resolve(false));
      const settle = (accepted: boolean): void => {
        stopTimer();
        resolve(accepted);
      };
      this.run(client, sql, []).then(
        () => settle(true),
        () => settle(false),
      );
    });
  }

  /** Never uses `client` again; the server rolls back what it left open. */
  drop(client: pg.Client | undefined = this.#client): Promise<void> {
    if (this.#client === client) this.#client = undefined;
    return client === undefined ? Promise.resolve() : client.end().catch(() => {});
  }

  async #check(client: pg.Client, idleMs: number): Promise<pg.Client> {
    // A goodbye that came while frozen lies in the socket. Let it be read before anything is written.
    await readWhatCame();
    const longIdle = idleMs < 0 || idleMs >= askAfterMs;
    // A goodbye that never came (a failover, a forgetful NAT) shows only when the server is asked: an empty statement.
    const answered = this.#client === client && (!longIdle || (await this.answers(client, '')));
    if (answered && this.#client === client && client.getTransactionStatus() === 'I')
      return this.#isRenewalDue() ? this.#renew(client) : client;
    void this.drop(client);
    return this.#open();
  }

  #isRenewalDue(): boolean {
    const { store } = this.#settings().credentials;
    if (store === undefined) return false;
    const inMs = this.#renewAt - Date.now();
    // Further away than ever meant: the clock was set back.
    return inMs <= 0 || inMs > Math.max(store.maxAgeMs, leastRenewalMs);
  }

  /** Between two pieces of work: nothing is open on `client`. */
  async #renew(client: pg.Client): Promise<pg.Client> {
    const opened = this.#credentials && (await renewClient(this.#settings(), this.#credentials));
    if (opened !== undefined) return this.#exchange(opened);
    this.#planRenewal();
    return this.#client === client ? client : this.ready();
  }

  #exchange(opened: Opened): pg.Client {
    const old = this.#client;
    this.#use(opened);
    if (old !== undefined) void this.drop(old);
    return opened.client;
  }

  async #open(): Promise<pg.Client> {
    return this.#use(await openClient(this.#settings(), this.#opened));
  }

  #use({ client, credentials }: Opened): pg.Client {
    const forget = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    client.on('error', forget).on('end', forget);
    this.#opened = true;
    this.#client = client;
    this.#credentials = credentials;
    this.#provenAt = Date.now();
    this.#planRenewal();
    return client;
  }

  #planRenewal(): void {
    const { store } = this.#settings().credentials;
    if (store === undefined) return;
    // An answer that is late is looked for soon; nobody waits for it again.
    const soonest = Date.now() + leastRenewalMs;
    this.#renewAt = store.isReading() ? soonest : Math.max(store.staleAt(), soonest);
  }
}
