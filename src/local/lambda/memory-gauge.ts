import { memorySampleMs, readProcessMemory, readProcMemory } from './process-memory.ts';

/**
 * Watches the memory of one process while it works, and tells once when it has more than the function may have.
 * Linux keeps the peak, so there a short burst is seen at the end of the event as well; elsewhere only what a
 * sample meets.
 */
export class MemoryGauge {
  readonly #pid: number;
  readonly #limitMb: number;
  readonly #onExceeded: () => void;
  #peakMb = 0;
  #exceeded = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(pid: number, limitMb: number, onExceeded: () => void) {
    this.#pid = pid;
    this.#limitMb = limitMb;
    this.#onExceeded = onExceeded;
  }

  /** The most seen, at most the limit: Lambda's kernel grants no more. */
  get peakMb(): number {
    return Math.min(this.#peakMb, this.#limitMb);
  }

  start(): void {
    this.#timer = setInterval(() => {
      void readProcessMemory(this.#pid).then((memory) => this.#see(memory?.peakMb));
    }, memorySampleMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A last look at the end of an event: whether the limit was exceeded. */
  check(): boolean {
    if (process.platform === 'linux') this.#see(readProcMemory(this.#pid)?.peakMb);
    else if (this.#peakMb === 0)
      void readProcessMemory(this.#pid).then((memory) => this.#see(memory?.peakMb));
    return this.#exceeded;
  }

  #see(mb: number | undefined): void {
    if (mb === undefined) return;
    this.#peakMb = Math.max(this.#peakMb, mb);
    if (mb <= this.#limitMb || this.#exceeded) return;
    this.#exceeded = true;
    this.#onExceeded();
  }
}
