import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ReadVersion, StoredLogin } from '../../../src/rotation/parts.ts';
import { Secret } from '../../../src/secret.ts';

export interface FiledLogin {
  readonly user: string;
  readonly password: string;
}

/** A slot's secret; the proxy goes on with `old` for a while after `changedAt`, milliseconds since 1970. */
export interface FiledSlot {
  readonly login: FiledLogin;
  readonly old?: FiledLogin;
  readonly changedAt: number;
}

/** What one consumer was given. */
export interface FiledHolding {
  readonly holds?: FiledLogin;
  readonly next?: FiledLogin;
  readonly added?: { readonly login: FiledLogin; readonly percent: number };
}

/** All of the world that is not in the database: what AWS would keep. */
export interface World {
  readonly versions: Readonly<Record<string, FiledLogin>>;
  readonly labels: { readonly current: string; readonly pending?: string; readonly previous?: string };
  /** By role; used behind a proxy. */
  readonly slots: Readonly<Record<string, FiledSlot>>;
  readonly consumers: Readonly<Record<string, FiledHolding>>;
}

/** A world in one file, which outlives the process that changes it. One process at a time. */
export class WorldFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  read(): World {
    return JSON.parse(readFileSync(this.#path, 'utf8')) as World;
  }

  /** As a whole or not at all, also when the process dies in it. */
  write(world: World): void {
    const half = `${this.#path}.${process.pid}`;
    writeFileSync(half, JSON.stringify(world), { mode: 0o600 });
    renameSync(half, this.#path);
  }

  change(by: (world: World) => World): void {
    this.write(by(this.read()));
  }
}

export const filed = ({ user, password }: StoredLogin): FiledLogin => ({ user, password: password.reveal() });

export const unfiled = ({ user, password }: FiledLogin): StoredLogin => ({
  user,
  password: new Secret(password),
});

/** The value of a version. @throws when there is none */
export function versionIn({ versions }: World, versionId: string): ReadVersion {
  const login = versions[versionId];
  if (login === undefined) throw new Error(`no version ${versionId}`);
  return { versionId, login: unfiled(login) };
}

export const currentOf = (world: World): StoredLogin => versionIn(world, world.labels.current).login;
