import type { Socket } from 'node:net';
import type { ConnectionPool } from './connection-pool.ts';
import { findPin, longestStatementBytes, type Pin, pin } from './find-pin.ts';
import { type Frame, FrameReader, type Piece } from './frames.ts';
import { errorResponse } from './messages.ts';
import { ProxyError, proxyErrors } from './proxy-error.ts';
import type { ProxyCounters } from './proxy-metrics.ts';
import type { Borrower, ServerConnection, TransactionStatus } from './server-connection.ts';
import type { DatabaseLogin } from './server-login.ts';
import type { SessionSettings } from './session-settings.ts';

export interface SessionOptions {
  readonly id: number;
  readonly login: DatabaseLogin;
  readonly settings: SessionSettings;
  readonly pool: ConnectionPool;
  readonly counters: ProxyCounters;
  readonly idleClientTimeoutMs: number;
  readonly pinUnnamedParse: boolean;
  onPin(pin: Pin, connection: ServerConnection): void;
  /** Once; `midRequest` is the database session that was given up with it. */
  onEnd(reason: SessionEnd, midRequest?: ServerConnection): void;
}

export type SessionEnd = 'requested' | 'closed' | 'idle' | 'error' | 'stopped';

/** The longest name and list of types of a Parse message that is still looked at besides its text. */
const parseExtra = 4_096;
/** CopyData flows by unwatched. */
const watched = new Map([
  ...[...'BDECFHSXcf'].map((type) => [type, 0] as const),
  ['Q', longestStatementBytes + 1],
  ['P', longestStatementBytes + parseExtra],
]);
/** More than this waits in the client's socket. */
const longestQueue = 65_536;
/** Messages that are written together. */
const longestOut = 64;

/** A client that is logged in: borrows a session of the database for each transaction, or for good once it is pinned. */
export class ClientSession implements Borrower {
  readonly #socket: Socket;
  readonly #options: SessionOptions;
  readonly #reader = new FrameReader(watched);
  readonly #ended = new AbortController();
  readonly #idleTimer: NodeJS.Timeout;
  #held: ServerConnection | undefined;
  #pinned = false;
  /** The requests whose ReadyForQuery is still to come. */
  #expected: ('simple' | 'sync')[] = [];
  /** Messages of the extended protocol were sent, and no Sync since. */
  #batchOpen = false;
  /** The database takes CopyData, and ignores Sync. */
  #copyIn = false;
  /** The last answer holds an error. */
  #sawError = false;
  #pumping = false;
  #out: Buffer[] = [];

  constructor(socket: Socket, options: SessionOptions) {
    this.#socket = socket;
    this.#options = options;
    const idle = () => this.end('idle');
    this.#idleTimer = setTimeout(idle, options.idleClientTimeoutMs).unref();
    socket.on('error', () => this.end('closed')).on('close', () => this.end('closed'));
    socket.on('end', () => this.end('closed'));
  }

  get pinned(): boolean {
    return this.#pinned;
  }

  /** Starts to serve, beginning with what the client sent already. */
  start(already: Buffer): void {
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    if (already.length > 0) this.#receive(already);
    this.#socket.resume();
  }

  /** Ends what the client is running, if anything. */
  async cancel(): Promise<void> {
    if (this.#expected.length > 0 || this.#batchOpen) await this.#held?.cancel();
  }

  end(reason: SessionEnd): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(new Error('the client is gone'));
    clearTimeout(this.#idleTimer);
    const midRequest = this.#giveBack();
    this.#options.onEnd(reason, midRequest);
    if (reason === 'error' || reason === 'stopped') this.#socket.end();
    else this.#socket.destroy();
  }

  data(chunk: Buffer): void {
    if (this.#socket.write(chunk)) return;
    const held = this.#held;
    held?.pause();
    this.#socket.once('drain', () => {
      if (this.#held === held) held?.resume();
    });
  }

  ready(status: TransactionStatus): void {
    this.#expected.shift();
    this.#copyIn = false;
    this.#sawError = false;
    this.#idleTimer.refresh();
    if (status === 'I') this.#release();
  }

  copyIn(): void {
    this.#copyIn = true;
    // The database ignores a Sync that comes during COPY; the client sends another one after it
    // (PostgreSQL, "COPY Operations" of the protocol).
    while (this.#expected[0] === 'sync') this.#expected.shift();
  }

  error(): void {
    this.#copyIn = false;
    this.#sawError = true;
  }

  gone(): void {
    this.#held = undefined;
    // A server that ends a session says so itself, most of the time.
    if (this.#sawError) this.end('error');
    else this.fail(proxyErrors.databaseGone());
  }

  /** Tells the client why, as the last thing. */
  fail(error: unknown): void {
    const { sqlState, message } = error instanceof ProxyError ? error : proxyErrors.databaseGone();
    if (!this.#ended.signal.aborted) this.#socket.write(errorResponse('FATAL', sqlState, message));
    this.end('error');
  }

  #receive(chunk: Buffer): void {
    if (this.#ended.signal.aborted) return;
    this.#idleTimer.refresh();
    this.#reader.push(chunk);
    if (this.#reader.size > longestQueue) this.#socket.pause();
    if (!this.#pumping) void this.#pump();
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    try {
      // More may arrive during each wait, so it is over only when nothing is left after one.
      for (
        let piece = this.#reader.next();
        piece !== undefined || this.#out.length > 0;
        piece = this.#reader.next()
      ) {
        if (piece !== undefined) await this.#take(piece);
        if (this.#ended.signal.aborted) return;
        if (piece === undefined || this.#out.length >= longestOut) await this.#flush();
      }
      this.#release();
    } catch (error) {
      if (!this.#ended.signal.aborted) this.fail(error);
    } finally {
      this.#pumping = false;
    }
    this.#socket.resume();
  }

  async #take({ frame, bytes }: Piece): Promise<void> {
    if (frame?.type === 'X') return this.end('requested');
    if (frame !== undefined && this.#held === undefined) {
      // What is left of a COPY that failed meanwhile: the database would drop it as well.
      if (frame.type === 'c' || frame.type === 'f') return;
      await this.#borrow();
    }
    if (this.#held === undefined) return;
    if (frame !== undefined) this.#notice(frame, this.#held);
    this.#out.push(bytes);
  }

  async #borrow(): Promise<void> {
    const { pool, login, settings } = this.#options;
    const connection = await pool.borrow(login, settings, this.#ended.signal);
    this.#held = connection;
    connection.lend(this);
  }

  /** Keeps track of what the answer will be, and of what pins. */
  #notice(frame: Frame, connection: ServerConnection): void {
    const { type } = frame;
    if (type === 'Q' || type === 'F') this.#expected.push('simple');
    else if (type === 'S') {
      if (!this.#copyIn) this.#expected.push('sync');
    } else if (type === 'c' || type === 'f') this.#copyIn = false;
    if (/[PBDECH]/.test(type)) this.#batchOpen = true;
    if (type === 'S') this.#batchOpen = false;
    if (type === 'Q' || type === 'E') this.#options.counters.queries += 1;
    if (this.#pinned || (type !== 'Q' && type !== 'P')) return;
    const found = type === 'Q' ? pinOfQuery(frame) : pinOfParse(frame, this.#options.pinUnnamedParse);
    if (found === undefined) return;
    this.#pinned = true;
    this.#options.onPin(found, connection);
  }

  async #flush(): Promise<void> {
    const pieces = this.#out;
    this.#out = [];
    if (pieces.length === 0 || this.#held === undefined) return;
    if (!this.#held.write(pieces)) await this.#held.drained();
  }

  /** Between transactions the session of the database goes back, unless it is pinned. */
  #release(): void {
    const held = this.#held;
    if (held === undefined || this.#pinned || this.#inRequest() || held.status !== 'I') return;
    this.#held = undefined;
    void held.cancelling.then(() => this.#options.pool.release(held));
    held.takeBack();
  }

  #inRequest(): boolean {
    return this.#expected.length > 0 || this.#databaseListens();
  }

  /** It waits for more of the request, or will: then it notices that nothing comes. */
  #databaseListens(): boolean {
    return this.#copyIn || this.#batchOpen || this.#out.length > 0 || this.#reader.midMessage;
  }

  /** @returns the session that had to be closed because a request was under way */
  #giveBack(): ServerConnection | undefined {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined || held.gone) return undefined;
    held.takeBack();
    if (!this.#inRequest()) {
      void held.cancelling.then(() => this.#options.pool.reset(held, this.#pinned));
      return undefined;
    }
    // A statement does not notice that its client is gone: it would keep its locks until it ends.
    void held.giveUp(this.#databaseListens() ? 0 : this.#expected.length);
    return held;
  }
}

function pinOfQuery({ body, complete }: Frame): Pin | undefined {
  if (!complete) return pin('statement-size');
  return findPin(body.toString('utf8', 0, body.length - 1));
}

function pinOfParse({ body }: Frame, pinUnnamed: boolean): Pin | undefined {
  const name = body.indexOf(0);
  const end = body.indexOf(0, name + 1);
  if (name === -1 || end === -1 || end - name - 1 > longestStatementBytes) return pin('statement-size');
  if (name > 0) return pin('prepared-statement');
  return findPin(body.toString('utf8', name + 1, end)) ?? (pinUnnamed ? pin('parse') : undefined);
}
