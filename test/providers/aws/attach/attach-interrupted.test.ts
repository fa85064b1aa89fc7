import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { attachPolicy, openAttach } from '../../../../src/providers/aws/attach/open-attach.ts';
import { testContext } from '../../../postgres-server.ts';
import { coveredBy } from '../permissions/covered-by.ts';
import { type AttachBed, region, startAttachBed } from './attach-bed.ts';

// Many calls and processes: a busy computer takes its time.
vi.setConfig({ testTimeout: 120_000 });

let at: AttachBed;

beforeAll(async () => {
  at = await startAttachBed({ pace: { default: 1 } });
});

afterAll(() => at.stop());

const effects = [
  ['lambda', 'TagResource'],
  ['secretsmanager', 'CreateSecret'],
  ['iam', 'PutRolePolicy'],
  ['ec2', 'CreateSecurityGroup'],
  ['ec2', 'AuthorizeSecurityGroupEgress'],
  ['ec2', 'AuthorizeSecurityGroupIngress'],
  ['ec2', 'RevokeSecurityGroupEgress'],
  ['lambda', 'UpdateFunctionConfiguration'],
  ['lambda', 'CreateFunction'],
] as const;

const undone = [
  ['lambda', 'UpdateFunctionConfiguration'],
  ['ec2', 'RevokeSecurityGroupIngress'],
  ['ec2', 'DeleteSecurityGroup'],
  ['iam', 'DeleteRolePolicy'],
  ['secretsmanager', 'DeleteSecret'],
  ['lambda', 'UntagResource'],
] as const;

const countOf = async (action: string): Promise<number> =>
  (await at.bed.requests()).filter((one) => one.action === action && (one.status ?? 0) < 400).length;

test('every answer is lost, there and back: each thing is made once, and all is undone', async () => {
  await at.makeFunction('lossy');
  const before = await at.snapshot('lossy');
  const databaseUrl = `postgres://app:${encodeURIComponent("app-Password/@:'1")}@${at.host}/shop`;
  for (const [service, action] of effects) await at.bed.fault({ service, action, kind: 'drop-after' });
  await at.bed.clearRequests();
  const done = await at.attach('lossy', { databaseUrl });
  expect(done.proofs).toMatchObject([{ verdict: 'proved' }]);
  const hits = (await at.bed.faults()).filter(({ count = 1 }) => count > 0);
  expect(hits).toEqual([]);
  const requests = await at.bed.requests();
  const made = (action: string) => requests.filter((one) => one.action === action).length;
  expect([made('CreateSecurityGroup'), made('CreateSecret'), made('CreateFunction')]).toEqual([1, 1, 1]);

  const changes = requests.filter((one) => one.action === 'UpdateFunctionConfiguration');
  expect(changes.map(({ input }) => input.RevisionId)).toEqual([expect.stringMatching(/^[\w-]{36}$/)]);

  const where = { project: '*', stage: '*', account: at.bed.account, region, partition: 'aws' };
  const world = await openAttach(testContext(), { region });
  expect(await coveredBy(await attachPolicy(world, 'attach'), requests, where)).toEqual([]);
  expect(await at.invoke('lossy')).toMatchObject({ who: 'app' });

  await at.bed.clearRequests();
  for (const [service, action] of undone) await at.bed.fault({ service, action, kind: 'drop-after' });
  await at.detach('lossy');
  expect(await coveredBy(await attachPolicy(world, 'detach'), await at.bed.requests(), where)).toEqual([]);
  expect(await at.snapshot('lossy')).toEqual(before);
  expect(await countOf('DeleteSecurityGroup')).toBeLessThanOrEqual(1);
});

test('somebody else changes the function in between: nothing of theirs is written over', async () => {
  await at.makeFunction('shared');
  await at.bed.fault({
    ...{ service: 'lambda', action: 'UpdateFunctionConfiguration', kind: 'error' },
    ...{
      code: 'PreconditionFailedException',
      message: 'The RevisionId provided does not match',
      status: 412,
    },
  });
  await expect(at.attach('shared')).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE', exit: 75 });
  expect((await at.attach('shared')).proofs).toMatchObject([{ verdict: 'proved' }]);
  await at.detach('shared');
});
