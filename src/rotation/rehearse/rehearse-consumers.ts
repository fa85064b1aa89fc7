import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionTarget } from '../../database/target.ts';
import { withClient } from '../../database/with-client.ts';
import { errorCode, errorMessage } from '../../errors.ts';
import type { Consumer, ConsumerRead, CredentialStore, ReadVersion, StoredLogin } from '../parts.ts';

const everyMs = 40;
const cacheMs = 200;
/** After a shift nothing of these does anything with the old login for longer. */
const drainMs = 500;

export interface ConsumerTally {
  readonly id: string;
  readonly logins: number;
  /** With a second candidate, or after another look into the store. */
  readonly retried: number;
  readonly failed: number;
  readonly firstFailure?: string;
}

/** Consumers that log in all the time, each with a new connection, and read what the application may read. */
export interface Actors {
  readonly consumers: readonly Consumer[];
  tallies(): ConsumerTally[];
  /** Waits until each has logged in once more. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

interface Tally {
  logins: number;
  retried: number;
  failed: number;
  firstFailure?: string;
}

/**
 * One that reads the secret with a cache, one that holds it in environment variables behind a weighted alias, and a plain copy.
 *
 * @param place without a login
 * @param statement what each does with its connection
 */
export function startActors(
  place: ConnectionTarget,
  store: CredentialStore,
  first: StoredLogin,
  statement: string,
): Actors {
  let running = true;
  const tallies = new Map<string, Tally>();
  const logIn = async (id: string, { user, password }: StoredLogin): Promise<string> => {
    const target = { ...place, user, password };
    return withClient(target, { applicationName: `rehearsal ${id}`.slice(0, 63) }, async (client) => {
      await client.query(statement);
      const { rows } = await client.query<{ login: string }>('SELECT session_user AS login');
      return rows[0]?.login ?? '';
    });
  };
  const attempt: Scene['attempt'] = async (id, candidates) => {
    const tally = tallies.get(id) ?? { logins: 0, retried: 0, failed: 0 };
    tallies.set(id, tally);
    let refused = '';
    for (const [at, candidate] of candidates.entries()) {
      const login = typeof candidate === 'function' ? await candidate() : candidate;
      if (login === undefined) continue;
      try {
        await logIn(id, login);
        tally.logins += 1;
        if (at > 0) tally.retried += 1;
        return true;
      } catch (error) {
        // A full server says nothing about a login.
        if (errorCode(error) === '53300') return true;
        refused ||= `${login.user}: ${errorMessage(error)}`;
        // As the connection module: only a refused login is a reason to try another one.
        if (errorCode(error) !== '28P01') break;
      }
    }
    tally.failed += 1;
    tally.firstFailure ??= refused;
    return false;
  };
  const scene: Scene = { store, first, attempt, logIn, running: () => running };
  const actors = [reader(scene), aliased(scene), copy(scene)];
  const working = actors.map(({ work }) => work());
  const count = (): number =>
    [...tallies.values()].reduce((sum, { logins, failed }) => sum + logins + failed, 0);
  return {
    consumers: actors.map(({ consumer }) => consumer),
    tallies: () => [...tallies].map(([id, tally]) => ({ id, ...tally })),
    async settle() {
      const end = count() + 2 * actors.length;
      while (running && count() < end) await sleep(everyMs);
    },
    async stop() {
      running = false;
      await Promise.all(working);
    },
  };
}

type Candidate = StoredLogin | undefined | (() => Promise<StoredLogin | undefined>);

interface Scene {
  readonly store: CredentialStore;
  readonly first: StoredLogin;
  /** One after the other while they are refused. */
  attempt(id: string, candidates: readonly Candidate[]): Promise<boolean>;
  logIn(id: string, login: StoredLogin): Promise<string>;
  running(): boolean;
}

interface Actor {
  readonly consumer: Consumer;
  work(): Promise<void>;
}

const base = { takesNext: true, staged: false, state: 'ready', drainMs } as const;

function reader({ store, first, attempt, logIn, running }: Scene): Actor {
  const id = `reads the secret, caches it for ${cacheMs} ms`;
  const cache = { login: first, at: Date.now() };
  const readPending = async (): Promise<StoredLogin | undefined> => (await store.read()).pending?.login;
  const refresh = async (): Promise<StoredLogin> => {
    cache.login = (await store.read()).current?.login ?? cache.login;
    cache.at = Date.now();
    return cache.login;
  };
  return {
    consumer: {
      id,
      read: async ({ current }) => ({
        ...base,
        kind: 'follows',
        holds: current?.login,
      }),
      async prove() {
        const user = await logIn(id, await refresh());
        return { ok: true, user, detail: `its new connection is ${user}` };
      },
    },
    async work() {
      while (running()) {
        const login = Date.now() - cache.at > cacheMs ? await refresh() : cache.login;
        await attempt(id, [login, readPending, refresh]);
        await sleep(everyMs);
      }
    },
  };
}

/** Holds a copy; with `staged` a share of its calls can be given another one first. */
function holder(
  scene: Scene,
  id: string,
  staged: boolean,
  proof: Pick<Consumer, 'prove' | 'unproved'>,
): Actor & { login(): StoredLogin } {
  const { first, attempt, running } = scene;
  let held = first;
  let next: StoredLogin | undefined;
  let share: { login: StoredLogin; percent: number; calls: number; errors: number } | undefined;
  const read = async (): Promise<ConsumerRead> => ({
    ...{ ...base, staged, kind: 'holds', holds: held },
    ...(next && { next }),
    ...(share && {
      added: {
        holds: share.login,
        percent: share.percent,
        measure: async () => ({ calls: share?.calls ?? 0, errors: share?.errors ?? 0 }),
      },
    }),
  });
  const shift = async ({ login }: ReadVersion, percent: number): Promise<void> => {
    if (percent === 100) held = login;
    share = percent === 0 || percent === 100 ? undefined : { login, percent, calls: 0, errors: 0 };
  };
  const giveNext = async (version: ReadVersion | undefined): Promise<void> => {
    next = version?.login;
  };
  return {
    login: () => held,
    consumer: { id, read, shift, giveNext, ...proof },
    async work() {
      while (running()) {
        const chosen = share !== undefined && Math.random() * 100 < share.percent ? share : undefined;
        const login = chosen?.login ?? held;
        const ok = await attempt(id, [login, next]);
        if (chosen !== undefined) chosen.calls += 1;
        if (chosen !== undefined && !ok) chosen.errors += 1;
        await sleep(everyMs);
      }
    },
  };
}

function aliased(scene: Scene): Actor {
  const id = 'environment variables behind an alias';
  const actor = holder(scene, id, true, {
    async prove() {
      const user = await scene.logIn(id, actor.login());
      return { ok: true, user, detail: `its new connection is ${user}` };
    },
  });
  return actor;
}

const copy = (scene: Scene): Actor =>
  holder(scene, 'a copy in a parameter', false, { unproved: 'a parameter cannot be asked' });
