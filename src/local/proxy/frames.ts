/** A watched message: whole, or as much of it as the reader holds. */
export interface Frame {
  readonly type: string;
  /** The body, or its first bytes when `complete` is false. */
  readonly body: Buffer;
  readonly complete: boolean;
}

/** A stretch of the stream. Put together, all `bytes` are the stream again. */
export interface Piece {
  /** The message that begins with `bytes`; absent for the rest of one and for messages that nobody watches. */
  readonly frame?: Frame;
  /** Bytes to pass on, headers included. */
  readonly bytes: Buffer;
}

const headerLength = 5;
/** No message of the protocol may be longer (PQ_LARGE_MESSAGE_LIMIT in PostgreSQL's libpq.h). */
const longest = 0x3fff_ffff;

/**
 * Cuts a stream into messages and holds no more of it than somebody wants to see: of a message of a watched type the
 * first bytes wait until they are there, everything else flows through as it comes.
 */
export class FrameReader {
  readonly #watched: ReadonlyMap<string, number>;
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of the current message that are still to flow through. */
  #flowing = 0;

  /** @param watched types of messages and how many bytes of their bodies to hold at most */
  constructor(watched: ReadonlyMap<string, number>) {
    this.#watched = watched;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#rest.length;
  }

  /** True when a part of a message has been handed out and the rest of it has not. */
  get midMessage(): boolean {
    return this.#flowing > 0;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /**
   * The next piece; undefined until more is pushed.
   *
   * @throws RangeError when the bytes are no messages
   */
  next(): Piece | undefined {
    let end = 0;
    while (end < this.#rest.length) {
      if (this.#flowing > 0) {
        const taken = Math.min(this.#flowing, this.#rest.length - end);
        this.#flowing -= taken;
        end += taken;
        continue;
      }
      const available = this.#rest.length - end;
      if (available < headerLength) break;
      const type = String.fromCharCode(this.#rest[end] ?? 0);
      const length = this.#rest.readUInt32BE(end + 1) - 4;
      if (length < 0 || length > longest) throw new RangeError('the bytes are no message of the protocol');
      const held = this.#watched.get(type);
      if (held === undefined) {
        this.#flowing = headerLength + length;
        continue;
      }
      // What flowed before it goes first.
      if (end > 0) break;
      return this.#begin(type, length, held);
    }
    return end === 0 ? undefined : { bytes: this.#take(end) };
  }

  #begin(type: string, length: number, held: number): Piece | undefined {
    const shown = headerLength + Math.min(length, held);
    if (this.#rest.length < shown) return undefined;
    const bytes = this.#take(shown);
    this.#flowing = headerLength + length - shown;
    return { frame: { type, body: bytes.subarray(headerLength), complete: length <= held }, bytes };
  }

  #take(count: number): Buffer {
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }
}
