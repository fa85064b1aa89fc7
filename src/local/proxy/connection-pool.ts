import { ProxyError, proxyErrors } from './proxy-error.ts';
import type { ProxyCounters } from './proxy-metrics.ts';
import { ServerConnection } from './server-connection.ts';
import type { DatabaseLogin, ProxyTarget } from './server-login.ts';
import { type SessionSettings, sameSettings } from './session-settings.ts';

export interface PoolOptions {
  readonly target: ProxyTarget;
  /** Most sessions of the database at once, of all roles together. */
  readonly maxConnections: number;
  /** Sessions above this are closed when nobody used them for `idleConnectionMs`. */
  readonly maxIdleConnections: number;
  readonly idleConnectionMs: number;
  readonly borrowTimeoutMs: number;
  /** Run on each new session, and again when one was reset. */
  readonly initQuery?: string;
}

interface Waiter {
  readonly login: DatabaseLogin;
  readonly settings: SessionSettings;
  readonly lend: (connection: ServerConnection) => void;
  readonly refuse: (error: Error) => void;
}

interface Idle {
  readonly connection: ServerConnection;
  readonly since: number;
}

/** After a failure that may pass (database starting, all its slots taken) the next attempt waits this long. */
const retryMs = 250;
/** The database has this long to say goodbye. */
const closeLimitMs = 1_000;
/** SQLSTATEs of refusals that another attempt would meet again: wrong login, no such database, no right to connect. */
const lasting = /^(28|3D|42)/;

/** Few sessions of the database, lent to whoever asked first. A session serves one role in one database. */
export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #counters: ProxyCounters;
  readonly #all = new Set<ServerConnection>();
  readonly #borrowed = new Set<ServerConnection>();
  /** The longest unused first. */
  #idle: Idle[] = [];
  /** In the order of asking. */
  #waiting: Waiter[] = [];
  /** Logins under way. */
  readonly #opening: DatabaseLogin[] = [];
  /** Unused sessions that were told to end. They count until they are gone. */
  readonly #leaving = new Set<ServerConnection>();
  #retry: NodeJS.Timeout | undefined;
  #lastFailure: unknown;
  readonly #sweep: NodeJS.Timeout;
  #closed = false;

  constructor(options: PoolOptions, counters: ProxyCounters) {
    this.#options = options;
    this.#counters = counters;
    const everyMs = Math.max(100, Math.min(options.idleConnectionMs / 2, 10_000));
    this.#sweep = setInterval(() => this.#closeUnused(), everyMs).unref();
  }

  get connections(): ReadonlySet<ServerConnection> {
    return this.#all;
  }

  get borrowed(): ReadonlySet<ServerConnection> {
    return this.#borrowed;
  }

  /**
   * Waits for a session with the client's settings.
   *
   * @throws ProxyError the borrow timeout, or the database's refusal; the signal's reason
   */
  async borrow(
    login: DatabaseLogin,
    settings: SessionSettings,
    signal: AbortSignal,
  ): Promise<ServerConnection> {
    const started = process.hrtime.bigint();
    this.#counters.databaseRequests += 1;
    for (;;) {
      const connection = await this.#wait(login, settings, signal);
      try {
        await connection.adopt(settings, this.#options.initQuery);
        signal.throwIfAborted();
        this.#counters.borrowed(Number((process.hrtime.bigint() - started) / 1_000n));
        return connection;
      } catch (error) {
        const died = connection.gone;
        this.release(connection);
        // It had died in the pool without a sign: another one will do.
        if (!died || signal.aborted) throw error;
      }
    }
  }

  /** Gives back a session that is as clean as it was. */
  release(connection: ServerConnection): void {
    connection.takeBack();
    this.#borrowed.delete(connection);
    if (connection.gone || this.#closed) connection.destroy();
    else this.#idle.push({ connection, since: Date.now() });
    this.#serve();
  }

  /** Gives back a session on which a transaction is open, or whose state was changed. */
  async reset(connection: ServerConnection, pinned: boolean): Promise<void> {
    connection.takeBack();
    try {
      if (connection.status !== 'I') await connection.run('ROLLBACK');
      if (pinned) {
        await connection.run('DISCARD ALL');
        connection.settings = {};
        if (this.#options.initQuery !== undefined) await connection.run(this.#options.initQuery);
      }
    } catch {
      connection.destroy();
    }
    this.release(connection);
  }

  /** Ends everything: unused sessions at once, borrowed ones when their clients, who are told before, give them back. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweep);
    clearTimeout(this.#retry);
    for (const { connection } of this.#idle) connection.end();
    for (const waiter of [...this.#waiting]) waiter.refuse(proxyErrors.stopped());
    const left = [...this.#all].map((connection) => connection.closed);
    const limit = setTimeout(() => {
      for (const connection of this.#all) connection.destroy();
    }, closeLimitMs);
    await Promise.all(left);
    clearTimeout(limit);
  }

  #wait(login: DatabaseLogin, settings: SessionSettings, signal: AbortSignal): Promise<ServerConnection> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
      };
      const waiter: Waiter = {
        login,
        settings,
        lend: (connection) => {
          leave();
          this.#borrowed.add(connection);
          resolve(connection);
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const aborted = (): void => waiter.refuse(signal.reason as Error);
      const timer = setTimeout(
        () => waiter.refuse(proxyErrors.borrowTimeout(this.#lastFailure)),
        this.#options.borrowTimeoutMs,
      );
      if (this.#closed) return waiter.refuse(proxyErrors.stopped());
      signal.addEventListener('abort', aborted);
      this.#waiting.push(waiter);
      return this.#serve();
    });
  }

  /** Gives each waiter what there is for it; opens sessions while the limit allows, and closes unused ones for it. */
  #serve(): void {
    const needed: DatabaseLogin[] = [];
    for (const waiter of [...this.#waiting]) {
      const connection = this.#takeIdle(waiter);
      if (connection === undefined) needed.push(waiter.login);
      else waiter.lend(connection);
    }
    if (this.#retry !== undefined || this.#closed) return;
    const underWay = [...this.#opening];
    let leaving = this.#leaving.size;
    for (const login of needed) {
      const expected = underWay.findIndex((other) => sameLogin(other, login));
      if (expected !== -1) underWay.splice(expected, 1);
      else if (this.#all.size + this.#opening.length < this.#options.maxConnections) void this.#open(login);
      else if (leaving > 0) leaving -= 1;
      else this.#dismiss(this.#idle[0]?.connection);
    }
  }

  /** Preferably one that needs no change of its settings. */
  #takeIdle({ login, settings }: Waiter): ServerConnection | undefined {
    const fitting = this.#idle.filter(({ connection }) => sameLogin(connection.login, login));
    const best =
      fitting.findLast(({ connection }) => sameSettings(connection.settings, settings)) ?? fitting.at(-1);
    if (best === undefined) return undefined;
    this.#idle = this.#idle.filter((idle) => idle !== best);
    return best.connection;
  }

  /** There is room when it is gone. */
  #dismiss(unused: ServerConnection | undefined): void {
    if (unused === undefined) return;
    this.#idle = this.#idle.filter(({ connection }) => connection !== unused);
    this.#leaving.add(unused);
    unused.end();
  }

  async #open(login: DatabaseLogin): Promise<void> {
    this.#opening.push(login);
    try {
      const forget = (gone: ServerConnection) => this.#forget(gone);
      const connection = await ServerConnection.open(this.#options.target, login, forget);
      this.#opening.splice(this.#opening.indexOf(login), 1);
      // It may have said goodbye with the last word of the login.
      if (!connection.gone) this.#all.add(connection);
      if (this.#options.initQuery !== undefined) await connection.run(this.#options.initQuery);
      this.#counters.databaseSucceeded += 1;
      this.release(connection);
    } catch (error) {
      const at = this.#opening.indexOf(login);
      if (at !== -1) this.#opening.splice(at, 1);
      this.#counters.databaseFailed += 1;
      this.#explainFailure(login, error);
    }
  }

  #explainFailure(login: DatabaseLogin, error: unknown): void {
    this.#lastFailure = error;
    if (error instanceof ProxyError && lasting.test(error.sqlState)) {
      const refusal = proxyErrors.databaseRefused(error.sqlState, error.message);
      for (const waiter of this.#waiting) if (sameLogin(waiter.login, login)) waiter.refuse(refusal);
      this.#serve();
    } else if (!this.#closed)
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#serve();
      }, retryMs);
  }

  #forget(connection: ServerConnection): void {
    this.#all.delete(connection);
    this.#leaving.delete(connection);
    this.#borrowed.delete(connection);
    this.#idle = this.#idle.filter((idle) => idle.connection !== connection);
    this.#serve();
  }

  #closeUnused(): void {
    const before = Date.now() - this.#options.idleConnectionMs;
    const surplus = this.#idle.length - this.#options.maxIdleConnections;
    const unused = this.#idle.slice(0, Math.max(0, surplus)).filter(({ since }) => since < before);
    for (const { connection } of unused) this.#dismiss(connection);
  }
}

function sameLogin(a: DatabaseLogin, b: DatabaseLogin): boolean {
  return a.user === b.user && a.database === b.database;
}
