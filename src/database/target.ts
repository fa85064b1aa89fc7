import type { Secret } from '../secret.ts';

/** Where a PostgreSQL is and who asks. Made by providers and by `local/`; opened by `withClient` alone. */
export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** A function is asked once per new connection (IAM tokens, rotated secrets). */
  readonly password: Secret | (() => Promise<Secret>);
  /**
   * `ca`: PEM of the authorities to trust besides Node's own; `name`: what the certificate must say when the address
   * dialled is another (`--db-host-map`). The chain and the name are verified but for `verify: false`, which is for servers that
   * sign their own certificates (Heroku's). `false`: no TLS, for a server that offers none.
   */
  readonly tls: { readonly ca?: string; readonly name?: string; readonly verify?: false } | false;
}
