import { renameSync, writeFileSync } from 'node:fs';

/**
 * The names of the data plane in a file, one `name=host:port` a line, replaced as a whole so that a reader never sees half
 * of it. `LAMBDAPG_DB_HOST_MAP=@file` and the functions' preloads read it at each connection.
 */
export class HostMap {
  readonly file: string;
  readonly #places = new Map<string, string>();

  constructor(file: string) {
    this.file = file;
    this.#write();
  }

  set(name: string, host: string, port: number): void {
    this.#places.set(name, `${host}:${port}`);
    this.#write();
  }

  delete(name: string): void {
    if (this.#places.delete(name)) this.#write();
  }

  get(name: string): { readonly host: string; readonly port: number } | undefined {
    const [host, port] = this.#places.get(name)?.split(':') ?? [];
    return host === undefined ? undefined : { host, port: Number(port) };
  }

  /** For `--db-host-map`: what is known now. */
  toString(): string {
    return this.#lines().join(',');
  }

  /** As in the file. */
  lines(): string {
    return this.#lines()
      .map((line) => `${line}\n`)
      .join('');
  }

  #lines(): string[] {
    return [...this.#places].map(([name, place]) => `${name}=${place}`);
  }

  #write(): void {
    writeFileSync(`${this.file}.new`, this.lines());
    renameSync(`${this.file}.new`, this.file);
  }
}
