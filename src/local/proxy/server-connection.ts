import type { Socket } from 'node:net';
import { FrameReader } from './frames.ts';
import { cancelRequest, message, query } from './messages.ts';
import { proxyErrors } from './proxy-error.ts';
import {
  connectToDatabase,
  type DatabaseLogin,
  databaseError,
  type LoggedIn,
  logIn,
  type ProxyTarget,
  rememberParameter,
} from './server-login.ts';
import { type SessionSettings, settingsChange } from './session-settings.ts';

/** The client whose turn it is. */
export interface Borrower {
  /** Bytes of the database's answer. */
  data(chunk: Buffer): void;
  /** ReadyForQuery, after its bytes: idle, in a transaction, in a failed one. */
  ready(status: TransactionStatus): void;
  /** CopyInResponse. */
  copyIn(): void;
  /** ErrorResponse. */
  error(): void;
  gone(): void;
}

export type TransactionStatus = 'I' | 'T' | 'E';

/** What is read along while bytes pass through: enough for any error text. */
const watched = new Map([
  ['Z', 1],
  ['S', 8_192],
  ['E', 8_192],
  ['G', 0],
]);

const cancelLimitMs = 5_000;
/** A session that ends no statement for so long is sent another cancel request. */
const cancelAgainMs = 100;

/** One session of the database, lent to one client at a time. */
export class ServerConnection {
  readonly login: DatabaseLogin;
  /** The process id of the session: `pid` in `pg_stat_activity`. */
  readonly id: number;
  readonly tls: boolean;
  readonly parameters: Map<string, string>;
  /** What was set for the last borrower. */
  settings: SessionSettings = {};
  status: TransactionStatus = 'I';
  gone = false;
  /** Pending while a cancel request is under way: until then nobody else may borrow the session. */
  cancelling: Promise<void> = Promise.resolve();
  /** Settles when it is gone. */
  readonly closed: Promise<void>;
  readonly #target: ProxyTarget;
  readonly #socket: Socket;
  readonly #key: Buffer;
  readonly #reader = new FrameReader(watched);
  readonly #onGone: (connection: ServerConnection) => void;
  #borrower: Borrower | undefined;
  /** While it is being given up: the statements that are not over. */
  #left: number | undefined;
  #onProgress: () => void = () => {};
  #asked: { resolve(): void; reject(error: Error): void; error?: Error } | undefined;

  static async open(
    target: ProxyTarget,
    login: DatabaseLogin,
    onGone: (connection: ServerConnection) => void,
  ): Promise<ServerConnection> {
    return new ServerConnection(target, login, await logIn(target, login), onGone);
  }

  private constructor(
    target: ProxyTarget,
    login: DatabaseLogin,
    loggedIn: LoggedIn,
    onGone: (connection: ServerConnection) => void,
  ) {
    this.login = login;
    this.id = loggedIn.key.readUInt32BE(0);
    this.tls = target.tls !== false;
    this.parameters = loggedIn.parameters;
    this.#target = target;
    this.#socket = loggedIn.socket;
    this.#key = loggedIn.key;
    this.#onGone = onGone;
    this.closed = new Promise((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.on('data', (chunk) => this.#read(chunk)).on('close', () => this.#die());
    if (loggedIn.rest.length > 0) this.#read(loggedIn.rest);
    this.#socket.resume();
  }

  lend(borrower: Borrower): void {
    this.#borrower = borrower;
  }

  takeBack(): void {
    this.#borrower = undefined;
    this.#socket.resume();
  }

  /** @returns false when the database reads slower than the client writes: wait for `drained` */
  write(pieces: readonly Buffer[]): boolean {
    this.#socket.cork();
    let free = true;
    for (const piece of pieces) free = this.#socket.write(piece);
    this.#socket.uncork();
    return free;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      if (this.gone || !this.#socket.writableNeedDrain) resolve();
      else this.#socket.on('drain', done).on('close', done);
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Runs the proxy's own SQL; only while nobody borrows. @throws ProxyError the database's refusal */
  async run(sql: string): Promise<void> {
    if (this.gone) throw proxyErrors.databaseGone();
    await new Promise<void>((resolve, reject) => {
      this.#asked = { resolve, reject };
      this.#socket.write(query(sql));
    });
  }

  /** Makes the session's settings those of a client. */
  async adopt(settings: SessionSettings, initQuery?: string): Promise<void> {
    const sql = settingsChange(this.settings, settings, initQuery);
    if (sql === '') return;
    await this.run(sql);
    this.settings = settings;
  }

  /** Ends what the session is running, over a connection of its own. Never throws. */
  cancel(): Promise<void> {
    this.cancelling = this.#sendCancel().catch(() => {});
    return this.cancelling;
  }

  /**
   * Ends what the session is running, then the session. A request that overtakes a statement cancels nothing, so another
   * one follows until all `statements` are over. Never throws.
   */
  async giveUp(statements: number): Promise<void> {
    this.#left = statements;
    const limit = setTimeout(() => this.destroy(), cancelLimitMs);
    do {
      await this.cancel();
      await this.#standsStill();
    } while (!this.gone && this.#left > 0);
    clearTimeout(limit);
    this.destroy();
  }

  /** Says goodbye. */
  end(): void {
    if (!this.gone) this.#socket.end(message('X'));
  }

  destroy(): void {
    this.#socket.destroy();
    this.#die();
  }

  async #sendCancel(): Promise<void> {
    const socket = await connectToDatabase(this.#target);
    // The server closes the connection when it has passed the signal on.
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => socket.destroy(), cancelLimitMs);
      socket.on('close', () => {
        clearTimeout(limit);
        resolve();
      });
      socket.resume();
      if (this.gone) socket.destroy();
      else socket.write(cancelRequest(this.#key));
    });
  }

  /** Until all statements are over, or none has been for a while. */
  #standsStill(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, cancelAgainMs);
      this.#onProgress = () => {
        if (!this.gone && this.#left !== 0) return void timer.refresh();
        clearTimeout(timer);
        resolve();
      };
      if (this.gone || this.#left === 0) this.#onProgress();
    });
  }

  #read(chunk: Buffer): void {
    this.#borrower?.data(chunk);
    this.#reader.push(chunk);
    try {
      for (let piece = this.#reader.next(); piece !== undefined; piece = this.#reader.next()) {
        if (piece.frame !== undefined) this.#observe(piece.frame.type, piece.frame.body);
      }
    } catch {
      this.destroy();
    }
  }

  #observe(type: string, body: Buffer): void {
    if (type === 'S') rememberParameter(this.parameters, body);
    else if (type === 'G') this.#borrower?.copyIn();
    else if (type === 'E') {
      if (this.#asked !== undefined) this.#asked.error = databaseError(body);
      // A goodbye: the connection itself ends only when the database's process does.
      else if (this.#borrower === undefined && this.#left === undefined) this.destroy();
      this.#borrower?.error();
    } else {
      this.status = body.toString('latin1') as TransactionStatus;
      this.#settle();
      if (this.#left !== undefined && this.#left > 0) {
        this.#left -= 1;
        this.#onProgress();
      }
      this.#borrower?.ready(this.status);
    }
  }

  #settle(): void {
    const asked = this.#asked;
    this.#asked = undefined;
    if (asked?.error !== undefined) asked.reject(asked.error);
    else asked?.resolve();
  }

  #die(): void {
    if (this.gone) return;
    this.gone = true;
    this.#asked?.reject(proxyErrors.databaseGone());
    this.#onProgress();
    this.#onGone(this);
    this.#borrower?.gone();
  }
}
