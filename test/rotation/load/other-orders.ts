import { setTimeout as pause } from 'node:timers/promises';
import type { StoredLogin } from '../../../src/rotation/observation.ts';
import { type LoadWorld, newLogin } from './load-world.ts';

/*
 * Orders of steps that are not lambdapg's: what it is compared with, and what must fail where a load is to prove anything.
 */

export type Rotation = (world: LoadWorld) => Promise<void>;

/** What a step of a rotation function costs at the least: Secrets Manager invokes it once for each. */
const betweenStepsMs = 500;

/**
 * AWS's single-user template (SecretsManagerRDSPostgreSQLRotationSingleUser): createSecret, setSecret, testSecret, finishSecret.
 * Between the second and the last nobody can log in with what the store gives.
 */
export const awsSingleUser: Rotation = async (world) => {
  const { versionId: from = '', login } = (await world.secret.read()).current ?? {};
  const next = newLogin(login?.user ?? '');
  await awsSteps(world, from, next);
};

/**
 * AWS's alternating users (SecretsManagerRDSPostgreSQLRotationMultiUser): the other user is a clone that is a member of the first
 * one, and the old password stays good until the next rotation.
 */
export const awsAlternatingUsers: Rotation = async (world) => {
  const { versionId: from = '', login } = (await world.secret.read()).current ?? {};
  const user = login?.user ?? '';
  const other = user.endsWith('_clone') ? user.slice(0, -'_clone'.length) : `${user}_clone`;
  await awsSteps(world, from, newLogin(other), user);
};

async function awsSteps(world: LoadWorld, from: string, next: StoredLogin, cloneOf?: string): Promise<void> {
  const token = `aws-${Date.now()}`;
  await world.secret.putPending(token, next);
  await pause(betweenStepsMs);
  await setPlainly(world, next, cloneOf);
  await pause(betweenStepsMs);
  if (!(await world.accepts(next))) throw new Error('testSecret: the pending login is refused');
  await pause(betweenStepsMs);
  await world.secret.promote(token, from);
  await world.secret.clearPending(token);
}

/** With the password in the statement, as the templates send it. */
async function setPlainly(
  world: LoadWorld,
  { user, password }: StoredLogin,
  cloneOf?: string,
): Promise<void> {
  const [known] = await world.admin(`select 1 from pg_roles where rolname = '${user}'`);
  if (known === undefined && cloneOf !== undefined) {
    await world.admin(`create role ${user} with login password '${password.reveal()}'`);
    await world.admin(`grant ${cloneOf} to ${user}`);
    return;
  }
  await world.admin(`alter user ${user} with password '${password.reveal()}'`);
}

/** Two slots, and the old one is retired as soon as the store has the new one. */
export const withoutDrain: Rotation = async (world) => {
  const { current, next } = await standby(world);
  await world.secret.putPending('undrained', next);
  await world.changePassword(next);
  await world.secret.promote('undrained', current.versionId);
  await world.changePassword(newLogin(current.login.user));
};

/** Two slots, and the old one is retired before the store has the new one. */
export const retireFirst: Rotation = async (world) => {
  const { current, next } = await standby(world);
  await world.secret.putPending('late', next);
  await world.changePassword(newLogin(current.login.user));
  await pause(betweenStepsMs);
  await world.changePassword(next);
  await world.secret.promote('late', current.versionId);
};

/** Two slots, and the store is changed once the writer has the new password, whatever replicas say. */
export const promoteOnWriterOnly: Rotation = async (world) => {
  const { current, next } = await standby(world);
  await world.secret.putPending('writer-only', next);
  await world.changePassword(next);
  await world.secret.promote('writer-only', current.versionId);
};

async function standby(world: LoadWorld) {
  const { current } = await world.secret.read();
  if (current === undefined) throw new Error('no current login');
  const { a, b } = world.local.slots;
  return { current, next: newLogin(current.login.user === a.user ? b.user : a.user) };
}
