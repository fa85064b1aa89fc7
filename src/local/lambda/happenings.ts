import type { ProcessExit } from './environment-process.ts';

/** What an execution environment can do to the one who waits for it. */
export type Happening =
  | { readonly kind: 'next' }
  | { readonly kind: 'response'; readonly body: Buffer }
  | { readonly kind: 'response-too-large' }
  | { readonly kind: 'error'; readonly body: Buffer; readonly errorType: string | undefined }
  | { readonly kind: 'init-error'; readonly body: Buffer; readonly errorType: string | undefined }
  | { readonly kind: 'exit'; readonly exit: ProcessExit }
  | { readonly kind: 'out-of-memory' }
  | { readonly kind: 'timeout' };

/**
 * Turns the events of a process into a sequence that one reader takes in order, so that an init and an invocation
 * read as straight code.
 */
export class Happenings {
  readonly #queue: Happening[] = [];
  #reader: ((happening: Happening) => void) | undefined;

  push(happening: Happening): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) this.#queue.push(happening);
    else reader(happening);
  }

  /** Forgets what nobody waited for: an answer to an event that is over. */
  clear(): void {
    this.#queue.length = 0;
  }

  /** The next happening, or `timeout` at `deadlineMs` (milliseconds since 1970). */
  take(deadlineMs: number): Promise<Happening> {
    const queued = this.#queue.shift();
    if (queued !== undefined) return Promise.resolve(queued);
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => {
          this.#reader = undefined;
          resolve({ kind: 'timeout' });
        },
        Math.max(0, deadlineMs - Date.now()),
      );
      this.#reader = (happening) => {
        clearTimeout(timer);
        resolve(happening);
      };
    });
  }
}
