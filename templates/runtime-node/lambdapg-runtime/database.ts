// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Connection } from './connection.ts';
import type { ProbeAnswer } from './probe.ts';
import type { Settings } from './settings.ts';
import { OpenTransaction } from './transaction.ts';
import { Turns } from './turns.ts';

export type Row = Record<string, unknown>;

export interface QueryOptions {
  /**
   * The server ends a statement that runs longer (57014), and the connection is used on. `query` then takes a transaction
   * of its own: two more round trips, and no statement that cannot run in one. Nothing of it stays in the session, so it
   * pins no session of RDS Proxy. A server that says nothing for a second more is given up.
   */
  readonly timeoutMs?: number;
}

/** Runs one statement and returns its rows. Values go into `params` (`$1`, `$2`, …), never into `sql`. */
export type Query<Options extends readonly unknown[] = []> = <R extends object = Row>(
  sql: string,
  params?: readonly unknown[],
  ...options: Options
) => Promise<R[]>;

export interface Transaction {
  readonly query: Query;
}

/**
 * One connection, lent to one statement or one transaction at a time, in the order of asking: a `query` that starts
 * while a transaction is open waits for its end and can never slip into it.
 */
export class Database {
  readonly #settings: () => Settings;
  readonly #connection: Connection;
  readonly #turns = new Turns();
  readonly #inside = new AsyncLocalStorage<OpenTransaction>();

  /** `readSettings` is called once, at the first statement; nothing is opened before. */
  constructor(readSettings: () => Settings) {
    let settings: Settings | undefined;
    this.#settings = () => {
      settings ??= readSettings();
      return settings;
    };
    this.#connection = new Connection(this.#settings);
  }

  /** @throws Error when called inside a transaction, where it would wait for itself */
  readonly query: Query<[options?: QueryOptions]> = async <R extends object>(
    sql: string,
    params: readonly unknown[] = [],
    options?: QueryOptions,
  ) => {
    if (options?.timeoutMs !== undefined) return this.transaction((tx) => tx.query<R>(sql, params), options);
    this.#refuseInside('query()');
    // The path of every statement: each `await` that is not needed is left out (npm run bench).
    const turn = this.#turns.take();
    if (turn !== undefined) await turn;
    try {
      const ready = this.#connection.ready();
      const client = ready instanceof Promise ? await ready : ready;
      const { rows } = await this.#connection.run(client, sql, params);
      if (client.getTransactionStatus() === 'I') return rows as R[];
      void this.#connection.drop(client);
      throw new Error('the statement left a transaction open, which was rolled back: use transaction()');
    } finally {
      this.#turns.pass();
    }
  };

  /**
   * Runs `work` between BEGIN and COMMIT; any error rolls back and is thrown on. Only `tx.query` takes part.
   *
   * @param options the time limit is that of each statement, and costs no round trip
   * @throws Error also when `work` caught a failed statement and went on: PostgreSQL has then rolled back
   */
  readonly transaction = async <T>(
    work: (tx: Transaction) => Promise<T>,
    { timeoutMs }: QueryOptions = {},
  ): Promise<T> => {
    this.#refuseInside('transaction()');
    return this.#turns.run(async () => {
      const client = await this.#connection.ready();
      const open = new OpenTransaction(
        this.#connection,
        client,
        this.#settings().idleTransactionMs,
        timeoutMs,
      );
      const query: Query = async <R extends object>(sql: string, params?: readonly unknown[]) =>
        (await open.query(sql, params)).rows as R[];
      try {
        await open.begin();
        const result = await Promise.race([this.#inside.run(open, work, { query }), open.abandoned]);
        await open.commit();
        return result;
      } catch (error) {
        await open.rollback();
        throw error;
      } finally {
        // Before Node 24 it slows down every promise of the process for as long as it is on.
        this.#inside.disable();
      }
    });
  };

  /** See `withProbe`. Never rejects. */
  readonly probe = (): Promise<ProbeAnswer> => this.#turns.run(() => this.#connection.probe());

  /** Closes the connection; the next statement opens another. For scripts and tests: a Lambda never needs it. */
  readonly close = (): Promise<void> => this.#turns.run(() => this.#connection.drop());

  #refuseInside(name: string): void {
    if (!this.#inside.getStore()?.open) return;
    throw new Error(`${name} inside a transaction would wait for its own end: use tx.query`);
  }
}
