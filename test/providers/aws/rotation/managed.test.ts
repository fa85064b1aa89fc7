import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { policyFor } from '../../../../src/providers/aws/permissions/policy.ts';
import {
  type ManagedOptions,
  type ManagedReport,
  rotateManaged,
} from '../../../../src/providers/aws/rotation/managed.ts';
import { startDataPlane } from '../../../bed/data-plane/data-plane.ts';
import { coveredBy } from '../permissions/covered-by.ts';
import { type StageBed, startStageBed } from './endpoints-world.ts';

let stage: StageBed;
beforeEach(async () => {
  stage = await startStageBed();
});

const aurora = { database: { kind: 'aurora' } };
const pace = 0.03;

async function rotate(options: ManagedOptions = {}, cloud = {}, env = {}): Promise<ManagedReport> {
  const world = await stage.world(cloud, env);
  return rotateManaged(world, await stage.have(world), { pace, ...options });
}

const asked = async (): Promise<number> =>
  (await stage.bed.requests()).filter(({ input }) => input.RotateMasterUserPassword === true).length;

describe.each([
  ['RDS instance', {}, () => stage.makeInstance()],
  ['Aurora cluster', aurora, () => stage.makeCluster()],
] as const)('the master of an %s', (_what, cloud, make) => {
  test('gets a new password, which opens the database', async () => {
    const plane = await startDataPlane(stage.bed);
    onTestFinished(() => plane.stop());
    await make();
    await stage.bed.pace({ 'rds.masterSecret': 3 });
    await stage.bed.clearRequests();
    const report = await rotate({}, cloud, { ...plane.environment });
    expect(report).toMatchObject({ outcome: 'closed', exit: 0, joined: false, login: { login: 'ok' } });
    expect(report.versionAfter).not.toBe(report.versionBefore);
    const again = await rotate({ resume: true }, cloud, { ...plane.environment });
    expect(again).toMatchObject({ outcome: 'closed', versionBefore: report.versionAfter });
    expect(again.versionAfter).toBe(report.versionAfter);
    expect(await asked()).toBe(1);
    const { account } = stage.bed;
    const target = { project: 'shop', stage: 'dev', account, region: 'us-east-1', partition: 'aws' };
    expect(await coveredBy(policyFor(['rotate'], target), await stage.bed.requests(), target)).toEqual([]);
  }, 90_000);
});

const ok = async () => ({ endpoint: 'writer', login: 'ok' }) as const;
const modify = () =>
  stage.ask('rds', 'ModifyDBInstance', {
    ...{ DBInstanceIdentifier: 'shop-dev-db', RotateMasterUserPassword: true, ApplyImmediately: true },
  });

test('one that is under way is joined', async () => {
  await stage.makeInstance();
  await stage.bed.pace({ 'rds.masterSecret': 4 });
  await modify();
  const report = await rotate({ logIn: ok });
  expect(report).toMatchObject({ outcome: 'closed', joined: true });
  expect(report.versionAfter).not.toBe(report.versionBefore);
  expect(await asked()).toBe(0);
});

test.each(['drop-after', 'drop-before', 'throttling'] as const)('an answer that ends in %s', async (kind) => {
  await stage.makeInstance();
  await stage.bed.pace({ 'rds.masterSecret': 2 });
  await stage.bed.fault({ service: 'rds', action: 'ModifyDBInstance', kind });
  const report = await rotate({ logIn: ok });
  expect(report).toMatchObject({ outcome: 'closed', joined: false });
  expect(report.versionAfter).not.toBe(report.versionBefore);
  // What had its effect is not asked for again.
  expect(await asked()).toBe(kind === 'drop-after' ? 1 : 2);
});

const status = (SecretStatus: string) =>
  stage.bed.hook({ after: ['rds:DescribeDBInstances'] }, async ({ output }) => ({
    output: {
      ...output,
      DBInstances: ((output?.DBInstances ?? []) as { MasterUserSecret: object }[]).map((one) => {
        const MasterUserSecret = { ...one.MasterUserSecret, SecretStatus };
        return Object.assign(one, { MasterUserSecret });
      }),
    },
  }));

test('one that is impaired is reported, and nothing is done', async () => {
  await stage.makeInstance();
  await status('impaired');
  await expect(rotate({ logIn: ok })).rejects.toMatchObject({ code: 'MASTER_IMPAIRED', exit: 3 });
  expect(await asked()).toBe(0);
});

test('one that does not end is left open', async () => {
  await stage.makeInstance();
  await status('rotating');
  const report = await rotate({ logIn: ok, pace: 0.0002 });
  expect(report).toMatchObject({ outcome: 'waiting', exit: 3, waitingFor: 'RDS, whose secret is rotating' });
});

test('a new password that does not open the database is no success', async () => {
  await stage.makeInstance();
  const login = { endpoint: 'writer', login: 'bad', why: 'password authentication failed' } as const;
  const report = await rotate({ logIn: async () => login, pace: 0.001 });
  expect(report).toMatchObject({ outcome: 'waiting', exit: 3, login });
});

test('without a password that RDS keeps there is nothing to rotate', async () => {
  await stage.makeInstance({ ManageMasterUserPassword: undefined, MasterUserPassword: 'chosen-by-hand' });
  await expect(rotate()).rejects.toMatchObject({
    code: 'NO_MANAGED_MASTER',
    suggestions: expect.arrayContaining([expect.stringContaining('--manage-master-user-password')]),
  });
});
