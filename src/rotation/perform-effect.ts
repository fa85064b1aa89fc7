import { randomBytes } from 'node:crypto';
import { Secret } from '../secret.ts';
import type { Effect } from './decide/decision.ts';
import type { Seen } from './observe.ts';
import type { Consumer, Proof, ReadVersion, RotationParts, SlotStore, StoredLogin } from './parts.ts';

/** 256 bits in characters that no URL, proxy or client treats in a way of its own. */
const newPassword = (): Secret => new Secret(randomBytes(32).toString('base64url'));

/**
 * Does one effect with the logins that were seen when it was decided on.
 *
 * @param idleMs leftover sessions that nobody has used for so long may be ended
 * @returns the answer of a consumer that was asked; of sessions, whether any was ended
 * @throws whatever the part throws; nobody then knows whether it was done
 */
export async function performEffect(
  parts: RotationParts,
  effect: Effect,
  seen: Seen,
  idleMs: number,
): Promise<Proof | undefined> {
  const { store, database } = parts;
  switch (effect.do) {
    case 'put-pending': {
      const place = seen.store.current?.login.place;
      const login = { user: effect.user, password: newPassword(), ...(place !== undefined && { place }) };
      await store.putPending(effect.token, login);
      break;
    }
    case 'set-password':
      await database.setPassword(loginFor(effect.user, effect.of, seen));
      break;
    case 'put-slot-secret':
      await slotStore(parts, effect.user).put(loginFor(effect.user, effect.of, seen));
      break;
    case 'renew-slot-secret': {
      const known = seen.slotLogins.get(effect.user);
      await slotStore(parts, effect.user).put({ ...known, user: effect.user, password: newPassword() });
      break;
    }
    case 'shift':
      await consumerOf(parts, effect.consumer).shift?.(versionOf(effect.to, seen), effect.percent);
      break;
    case 'give-next':
      await consumerOf(parts, effect.consumer).giveNext?.(effect.on ? versionOf('pending', seen) : undefined);
      break;
    case 'promote':
      await store.promote(effect.to, effect.from);
      break;
    case 'prove':
      return ask(consumerOf(parts, effect.consumer), versionOf('current', seen).login.user);
    case 'retire':
      // What is in use is never retired, whoever decided it.
      if (effect.user === seen.store.current?.login.user) throw new Error(`${effect.user} is in use`);
      await database.retire(effect.user, effect.how);
      break;
    case 'end-sessions': {
      if (effect.user === seen.store.current?.login.user) throw new Error(`${effect.user} is in use`);
      const ended = await database.endSessions(effect.user, effect.which === 'idle' ? idleMs : undefined);
      return { ok: ended > 0, detail: `${ended} sessions ended` };
    }
    case 'clear-pending':
      await store.clearPending(effect.version);
      break;
  }
  return undefined;
}

async function ask(consumer: Consumer, user: string): Promise<Proof> {
  const proof = (await consumer.prove?.()) ?? { ok: false, detail: 'it cannot be asked' };
  if (!proof.ok || proof.user === undefined || proof.user === user) return proof;
  return { ...proof, ok: false, detail: `its new connection is still ${proof.user}` };
}

function versionOf(which: 'pending' | 'current', { store }: Seen): ReadVersion {
  const version = store[which];
  if (version === undefined) throw new Error(`there is no ${which} value`);
  return version;
}

function loginFor(user: string, of: 'pending' | 'current' | 'slot-secret', seen: Seen): StoredLogin {
  const login = of === 'slot-secret' ? seen.slotLogins.get(user) : versionOf(of, seen).login;
  if (login?.user !== user) throw new Error(`the ${of} value is not for ${user}`);
  return login;
}

function slotStore({ slotStores = [] }: RotationParts, user: string): SlotStore {
  const found = slotStores.find((slot) => slot.user === user);
  if (found === undefined) throw new Error(`there is no slot secret for ${user}`);
  return found;
}

function consumerOf({ consumers }: RotationParts, id: string): Consumer {
  const found = consumers.find((consumer) => consumer.id === id);
  if (found === undefined) throw new Error(`there is no consumer ${id}`);
  return found;
}
