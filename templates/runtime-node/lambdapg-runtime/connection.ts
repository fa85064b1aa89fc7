// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import pg from 'pg';
import { connectError } from './connect-error.ts';
import { areEqual, type Credentials, isRefusedLogin } from './credentials.ts';
import type { Settings } from './settings.ts';
import { types } from './types.ts';

/** Unused for longer: look whether the server said goodbye (no round trip). Less is no freeze worth the name. */
const lookAfterMs = 10;
/** Unused for longer: ask the server whether it is there (one round trip). */
const askAfterMs = 1_000;
/** How long the answer may take before the connection counts as dead. */
const answerWithinMs = 2_000;

/**
 * The one connection of an execution environment: opened at first use, kept while the environment is frozen, replaced
 * when it died. Nothing that was sent is ever sent again: a statement whose answer was lost may have been executed.
 */
export class Connection {
  readonly #settings: () => Settings;
  #client: pg.Client | undefined;
  /** When the server last answered; 0 after an error. Wall clock: a monotonic one may stand still while frozen. */
  #provenAt = 0;

  constructor(settings: () => Settings) {
    this.#settings = settings;
  }

  /** A client that was alive a moment ago; a promise only where something has to be done for it. */
  ready(): pg.Client | Promise<pg.Client> {
    const client = this.#client;
    if (client === undefined) return this.#open();
    const idleMs = Date.now() - this.#provenAt;
    return idleMs >= 0 && idleMs < lookAfterMs ? client : this.#check(client, idleMs);
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
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, answerWithinMs, false);
    });
    const answer = this.run(client, sql, []).then(
      () => true,
      () => false,
    );
    return Promise.race([answer, silence]).finally(() => clearTimeout(timer));
  }

  /** Never uses `client` again; the server rolls back what it left open. */
  drop(client: pg.Client | undefined = this.#client): Promise<void> {
    if (this.#client === client) this.#client = undefined;
    return client === undefined ? Promise.resolve() : client.end().catch(() => {});
  }

  async #check(client: pg.Client, idleMs: number): Promise<pg.Client> {
    // A goodbye that came while frozen lies in the socket. Let it be read before anything is written: the first turn
    // ends the reading that may have brought us here, the second one reads anew.
    await turnOfTheLoop();
    await turnOfTheLoop();
    const longIdle = idleMs < 0 || idleMs >= askAfterMs;
    // A goodbye that never came (a failover, a forgetful NAT) shows only when the server is asked: an empty statement.
    const answered = this.#client === client && (!longIdle || (await this.answers(client, '')));
    if (answered && this.#client === client && client.getTransactionStatus() === 'I') return client;
    void this.drop(client);
    return this.#open();
  }

  async #open(): Promise<pg.Client> {
    const settings = this.#settings();
    let user: string | undefined;
    const credentials = await settings.credentials().catch(fail);
    user = credentials.user;
    return this.#logIn(settings, credentials).catch(async (refusal: unknown) => {
      if (!isRefusedLogin(refusal)) return fail(refusal);
      // They may have been changed while this environment kept them. Nothing was sent: to log in again is safe.
      const others = await settings.credentials(credentials).catch((why) => fail(refusal, why));
      if (areEqual(others, credentials)) return fail(refusal);
      user = others.user;
      return this.#logIn(settings, others).catch(fail);
    });

    function fail(cause: unknown, more?: unknown): never {
      throw connectError(settings, user, cause, more);
    }
  }

  async #logIn(settings: Settings, credentials: Credentials): Promise<pg.Client> {
    const { host, port, database, tls, applicationName, connectTimeoutMs } = settings;
    const client = new pg.Client({
      ...{ host, port, database, types },
      ...{ user: credentials.user, password: credentials.password },
      application_name: applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      ssl: tls === false ? false : { ...tls, rejectUnauthorized: true },
    });
    // Without a listener a connection that dies while idle would end the process.
    const forget = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    client.on('error', forget).on('end', forget);
    try {
      await client.connect();
    } catch (error) {
      void this.drop(client);
      throw error;
    }
    this.#client = client;
    this.#provenAt = Date.now();
    return client;
  }
}
