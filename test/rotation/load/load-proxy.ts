import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../../src/context.ts';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { createServerCertificate } from '../../../src/local/postgres/certificates.ts';
import type { LocalPostgres } from '../../../src/local/postgres/local-postgres.ts';
import { type LocalProxy, startLocalProxy } from '../../../src/local/proxy/local-proxy.ts';
import type { SlotStore, StoredLogin } from '../../../src/rotation/parts.ts';

/** How long a proxy goes on with what it has read of a secret. RDS Proxy's own time is nowhere documented. */
const noticesAfterMs = 700;

export interface LoadProxy extends LocalProxy {
  /** Through the proxy, with whatever login. */
  readonly target: ConnectionTarget;
  readonly slotStores: readonly SlotStore[];
}

/** A proxy with one secret for each slot; with `only`, with that slot's alone. */
export async function startLoadProxy(
  context: Context,
  local: LocalPostgres,
  only?: string,
): Promise<LoadProxy> {
  const slots = [local.slots.a, local.slots.b].map(({ user, password }) => {
    if (typeof password === 'function') throw new Error('a password was expected');
    return new SlotSecret({ user, password });
  });
  const authority = await readFile(local.caFile, 'utf8');
  const key = await readFile(join(local.caFile, '..', 'ca.key'), 'utf8');
  const proxy = await startLocalProxy(context, {
    target: local.slots.a,
    credentials: async (user) =>
      slots.find((slot) => slot.user === (only ?? user) && slot.user === user)?.seen(),
    tls: { ...(await createServerCertificate({ certificate: authority, key })), required: true },
    maxConnections: 80,
  });
  return { ...proxy, target: { ...local.slots.a, port: proxy.port }, slotStores: slots };
}

/** Read by a proxy, which keeps what it has read for a while. */
class SlotSecret implements SlotStore {
  readonly title: string;
  readonly user: string;
  #login: StoredLogin;
  #old: StoredLogin | undefined;
  #changedAt = 0;

  constructor(login: StoredLogin) {
    this.title = `secret of ${login.user}`;
    this.user = login.user;
    this.#login = login;
  }

  async read(): Promise<StoredLogin> {
    return this.#login;
  }

  async put(login: StoredLogin): Promise<void> {
    this.#old = this.seen();
    this.#login = login;
    this.#changedAt = Date.now();
  }

  seen(): StoredLogin {
    return this.#old !== undefined && Date.now() - this.#changedAt < noticesAfterMs ? this.#old : this.#login;
  }
}
