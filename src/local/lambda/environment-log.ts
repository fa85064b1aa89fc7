import { StringDecoder } from 'node:string_decoder';

/** Lambda returns this much of the log to a caller that asks for it. */
const tailBytes = 4096;

/**
 * The log of one execution environment: cuts what its process prints into lines, tells each of them, and keeps the
 * last 4 KB of the invocation under way.
 */
export class EnvironmentLog {
  readonly #tell: (line: string) => void;
  readonly #streams = new Map<string, { decoder: StringDecoder; rest: string }>();
  #tail = '';

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  /** What a process wrote; `stream` keeps two half lines apart. */
  write(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    const state = this.#streams.get(stream) ?? { decoder: new StringDecoder('utf8'), rest: '' };
    this.#streams.set(stream, state);
    const lines = (state.rest + state.decoder.write(chunk)).split('\n');
    state.rest = lines.pop() ?? '';
    for (const line of lines) this.line(line);
  }

  /** One entry. Runtime clients keep an entry of several lines together with carriage returns. */
  line(text: string): void {
    const entry = text.replace(/\r$/, '').replaceAll('\r', '\n');
    this.#tail = `${this.#tail}${entry}\n`.slice(-tailBytes);
    this.#tell(entry);
  }

  /** A line that was not ended yet is one now: the invocation, or the process, is over. */
  flush(): void {
    for (const state of this.#streams.values()) {
      if (state.rest !== '') this.line(state.rest);
      state.rest = '';
    }
  }

  startInvocation(): void {
    this.#tail = '';
  }

  /** At most 4 KB, as base64. */
  get tail(): string {
    return Buffer.from(this.#tail).subarray(-tailBytes).toString('base64');
  }
}
