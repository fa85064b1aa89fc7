import { inspect } from 'node:util';

const shown = '[secret]';

/**
 * A value that cannot be printed by accident: `toString`, `toJSON` and `util.inspect` all yield `[secret]`.
 * Only `reveal()` gives it up, and lint allows that call in `database/`, `providers/` and `local/` alone.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}
