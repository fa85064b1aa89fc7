// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type pg from 'pg';
import type { Connection } from './connection.ts';
import { afterSilence } from './silence.ts';
import { Turns } from './turns.ts';

/** How much longer than the time limit the server's word on it may take. */
const silenceMs = 1_000;

/** The statements of one transaction, one at a time, in the order of asking. */
export class OpenTransaction {
  readonly #connection: Connection;
  readonly #client: pg.Client;
  readonly #turns = new Turns();
  readonly #idleLimitMs: number;
  readonly #timeoutMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #abandon: (error: Error) => void = () => {};
  #open = true;

  /** Rejects when nothing was asked for too long: the handler that began it will not come back. */
  readonly abandoned = new Promise<never>((_resolve, reject) => {
    this.#abandon = reject;
  });

  constructor(connection: Connection, client: pg.Client, idleLimitMs: number, timeoutMs?: number) {
    this.#connection = connection;
    this.#client = client;
    this.#idleLimitMs = idleLimitMs;
    this.#timeoutMs = timeoutMs;
  }

  get open(): boolean {
    return this.#open;
  }

  /** @throws Error when the time limit is none */
  async begin(): Promise<void> {
    const limitMs = this.#timeoutMs;
    if (limitMs === undefined) return void (await this.query('begin'));
    if (!Number.isInteger(limitMs) || limitMs < 1)
      throw new RangeError(`timeoutMs ${limitMs} is no time limit`);
    // Ends with the transaction: a SET of the session would pin a session of RDS Proxy.
    await this.query(`begin; set local statement_timeout = ${limitMs}`);
  }

  async query(sql: string, params: readonly unknown[] = []): Promise<pg.QueryResult> {
    if (!this.#open) throw new Error('the transaction is over: its tx.query cannot be used any more');
    return this.#turns.run(async () => {
      clearTimeout(this.#timer);
      const stopTimer = this.#limitSilence();
      try {
        return await this.#connection.run(this.#client, sql, params);
      } finally {
        stopTimer();
        if (this.#open) this.#startTimer();
      }
    });
  }

  async commit(): Promise<void> {
    const { command } = await this.query('commit');
    this.#close();
    if (command === 'COMMIT') return;
    throw new Error('a statement of the transaction failed, so PostgreSQL rolled all of it back');
  }

  /** Rolls back; a connection on which that fails, or is not answered, is dropped, which comes to the same. */
  async rollback(): Promise<void> {
    if (!this.#open) return;
    this.#close();
    const settled = await this.#turns.run(() => this.#connection.answers(this.#client, 'rollback'));
    if (!settled) void this.#connection.drop(this.#client);
  }

  #close(): void {
    this.#open = false;
    clearTimeout(this.#timer);
  }

  /** The server ends a statement itself; where not even that is heard, dropping the connection ends the wait. */
  #limitSilence(): () => void {
    if (this.#timeoutMs === undefined) return () => {};
    return afterSilence(this.#timeoutMs + silenceMs, () => void this.#connection.drop(this.#client));
  }

  #startTimer(): void {
    const error = new Error(`the transaction asked nothing for ${this.#idleLimitMs} ms and was rolled back`);
    this.#timer = setTimeout(this.#abandon, this.#idleLimitMs, error).unref();
  }
}
