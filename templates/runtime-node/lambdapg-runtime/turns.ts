// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.

/** A lock that is handed on in the order of asking. */
export class Turns {
  #taken = false;
  readonly #waiting: (() => void)[] = [];

  /** Undefined when it is your turn already (the usual case, and free); else await it. Then `pass` it on, always. */
  take(): Promise<void> | undefined {
    if (this.#taken) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#taken = true;
    return undefined;
  }

  pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken = false;
    else next();
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.take();
    try {
      return await work();
    } finally {
      this.pass();
    }
  }
}
