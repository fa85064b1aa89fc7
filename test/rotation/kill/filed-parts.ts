import type {
  Consumer,
  CredentialStore,
  Proof,
  SlotStore,
  StoredLogin,
} from '../../../src/rotation/parts.ts';
import { currentOf, type FiledHolding, filed, unfiled, versionIn, type WorldFile } from './world-file.ts';

/** A secret with the label rules of Secrets Manager. */
export function filedStore(file: WorldFile): CredentialStore {
  return {
    title: 'secret in a file',
    async read() {
      const world = file.read();
      const { current, pending, previous } = world.labels;
      return {
        current: versionIn(world, current),
        ...(pending !== undefined && pending !== current && { pending: versionIn(world, pending) }),
        ...(previous !== undefined && { previous: versionIn(world, previous) }),
        pendingIsCurrent: pending === current,
      };
    },
    async putPending(token, login) {
      file.change((world) => ({
        ...world,
        versions: { [token]: filed(login), ...world.versions },
        labels: { ...world.labels, pending: token },
      }));
    },
    async promote(to, from) {
      file.change((world) => {
        const { current } = world.labels;
        if (current === to) return world;
        if (current !== from) throw new Error(`AWSCURRENT is on ${current}, not on ${from}`);
        return { ...world, labels: { ...world.labels, current: to, previous: from } };
      });
    },
    async clearPending(version) {
      file.change((world) => {
        const { pending, ...others } = world.labels;
        return pending === version ? { ...world, labels: others } : world;
      });
    },
  };
}

export const filedSlots = (file: WorldFile): readonly SlotStore[] =>
  Object.keys(file.read().slots).map((user) => ({
    title: `secret of ${user}`,
    user,
    async read() {
      const slot = file.read().slots[user];
      return slot && unfiled(slot.login);
    },
    async put(login) {
      file.change((world) => {
        const old = world.slots[user]?.login;
        const slot = { login: filed(login), ...(old && { old }), changedAt: Date.now() };
        return { ...world, slots: { ...world.slots, [user]: slot } };
      });
    },
  }));

/** By their kinds: one that reads the secret, one behind an alias with shares, one without versions, one that nobody can ask. */
export const consumerKinds = {
  'function follows': { kind: 'follows', staged: false },
  'function alias': { kind: 'holds', staged: true },
  'function latest': { kind: 'holds', staged: false },
  'parameter copy': { kind: 'holds', staged: false, unproved: 'nobody can ask a parameter' },
} as const;

/** How long a login that is no longer held may be used. Short: real time passes. Milliseconds. */
export const drainMs = 120;

/** @param whoAmI logs in as the application does: the role of the new connection */
export function filedConsumers(
  file: WorldFile,
  whoAmI: (login: StoredLogin) => Promise<string>,
): readonly Consumer[] {
  return Object.entries(consumerKinds).map(([id, kind]) => {
    const holding = (): FiledHolding => file.read().consumers[id] ?? {};
    const holds = (): StoredLogin | undefined => {
      if (kind.kind === 'follows') return currentOf(file.read());
      const { holds: login } = holding();
      return login && unfiled(login);
    };
    const set = (by: (was: FiledHolding) => FiledHolding): void =>
      file.change((world) => ({
        ...world,
        consumers: { ...world.consumers, [id]: by(world.consumers[id] ?? {}) },
      }));
    return {
      id,
      ...('unproved' in kind ? { unproved: kind.unproved } : { prove: () => proof(holds(), whoAmI) }),
      async read() {
        const { next, added } = holding();
        return {
          ...{ kind: kind.kind, staged: kind.staged, takesNext: true, state: 'ready', drainMs },
          holds: holds(),
          ...(next && { next: unfiled(next) }),
          ...(added && {
            added: {
              holds: unfiled(added.login),
              percent: added.percent,
              measure: async () => ({ calls: 10, errors: 0 }),
            },
          }),
        };
      },
      async shift({ login }, percent) {
        set(({ added: _gone, ...was }) => {
          if (percent === 0) return was;
          if (percent < 100) return { ...was, added: { login: filed(login), percent } };
          return { ...was, holds: filed(login) };
        });
      },
      async giveNext(next) {
        set(({ next: _gone, ...was }) => (next === undefined ? was : { ...was, next: filed(next.login) }));
      },
    };
  });
}

async function proof(
  login: StoredLogin | undefined,
  whoAmI: (login: StoredLogin) => Promise<string>,
): Promise<Proof> {
  if (login === undefined) return { ok: false, detail: 'it has no login' };
  const user = await whoAmI(login);
  return { ok: true, user, detail: `logged in as ${user}` };
}
