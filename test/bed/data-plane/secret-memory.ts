import type { Held } from './proxy-health.ts';

/**
 * What proxies remember of their secrets. How soon RDS Proxy sees a new value is not documented: a test sets an age, and a proxy
 * goes on with what it has read until that is over.
 */
export class SecretMemory {
  /** Milliseconds; `Infinity`: until it is lowered again. */
  ageMs = 0;
  readonly #read = new Map<string, { readonly at: number; readonly held: Promise<Held | undefined> }>();

  recall(key: string, read: () => Promise<Held | undefined>): Promise<Held | undefined> {
    const known = this.#read.get(key);
    if (known !== undefined && Date.now() - known.at < this.ageMs) return known.held;
    const held = read();
    this.#read.set(key, { at: Date.now(), held });
    return held;
  }
}
