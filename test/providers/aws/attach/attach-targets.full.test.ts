import { DeleteFunctionCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type AttachBed, appPassword, Proxies, secretAuth, startAttachBed } from './attach-bed.ts';

// Many calls and processes: a busy computer takes its time.
vi.setConfig({ testTimeout: 120_000 });

let at: AttachBed;
let proxies: Proxies;

beforeAll(async () => {
  at = await startAttachBed();
  proxies = new Proxies(at);
});

afterAll(() => at.stop());

test('a function in no VPC and an RDS instance in a private one meet, with a proof, and part without a trace', async () => {
  await at.makeFunction('reader');
  const before = await at.snapshot('reader');
  const { shown } = await at.plan('reader');
  expect(shown.functions).toEqual([{ name: 'reader', network: 'enters' }]);
  expect(shown.losesInternet).toEqual(['reader']);
  expect(await at.snapshot('reader')).toEqual(before);

  const done = await at.attach('reader');
  expect(done.proofs).toMatchObject([{ function: 'reader', verdict: 'proved' }]);
  expect(await at.invoke('reader')).toEqual({ who: 'app', db: 'shop', n: 42 });

  const again = await at.plan('reader');
  expect(again.shown.plan.changes).toBe(0);

  await at.detach('reader');
  expect(await at.snapshot('reader')).toEqual(before);
  await expect(at.detach('reader')).rejects.toMatchObject({ code: 'NOT_ATTACHED' });
});

test('an RDS Proxy is given the login that it does not know, and loses it again', async () => {
  const other = await at.makeSecret('other/login', 'nobody');
  await proxies.make('extended', secretAuth(other), [other]);
  await at.makeFunction('extends');
  const before = [await at.snapshot('extends'), await proxies.find('extended')];
  const choice = { to: 'extended', databaseName: 'shop' };
  expect((await at.attach('extends', choice)).proofs).toMatchObject([{ verdict: 'proved' }]);
  expect((await at.plan('extends', choice)).shown.plan.changes).toBe(0);
  expect(await at.invoke('extends')).toEqual({ who: 'app', db: 'shop', n: 42 });
  await at.detach('extends');
  const [function_, proxy] = [await at.snapshot('extends'), await proxies.find('extended')];
  expect(function_).toEqual(before[0]);
  expect(proxy?.Auth).toEqual((before[1] as typeof proxy)?.Auth);
});

test('IAM: no secret at all', async () => {
  await at.makeFunction('by-token');
  const before = await at.snapshot('by-token');
  const choice = { secret: undefined, iamUser: 'token_app' };
  // The caller's own right to log in as that user is what the proof needs.
  expect((await at.attach('by-token', choice)).proofs).toMatchObject([{ verdict: 'proved' }]);
  expect(await at.invoke('by-token')).toEqual({ who: 'token_app', db: 'shop', n: 42 });
  await at.detach('by-token');
  expect(await at.snapshot('by-token')).toEqual(before);
});

test('two functions behind one proxy: the secret that it was given stays until the last one leaves', async () => {
  const other = await at.makeSecret('fourth/login', 'nobody');
  await proxies.make('shared', secretAuth(other), [other]);
  await at.makeFunction('first-of-two');
  await at.makeFunction('last-of-two');
  const choice = { to: 'shared', databaseName: 'shop' };
  const before = (await proxies.find('shared'))?.Auth;
  expect((await at.attach('first-of-two,last-of-two', choice)).proofs).toMatchObject([
    { verdict: 'proved' },
    { verdict: 'proved' },
  ]);
  await at.detach('first-of-two');
  expect((await at.plan('last-of-two', choice)).shown.plan.changes).toBe(0);
  expect(await at.invoke('last-of-two')).toEqual({ who: 'app', db: 'shop', n: 42 });
  await at.detach('last-of-two');
  expect((await proxies.find('shared'))?.Auth).toEqual(before);
});

test('a function that was deleted: what it left is taken away by its name', async () => {
  await at.makeFunction('short-lived');
  const databaseUrl = `postgres://app:${encodeURIComponent(appPassword)}@${at.host}:5432/shop`;
  await at.attach('short-lived', { databaseUrl });
  await at.lambda.send(new DeleteFunctionCommand({ FunctionName: 'short-lived' }));
  expect([...(await at.detach('short-lived'))].sort()).toEqual([
    'group:short-lived',
    'rules:short-lived',
    'secret:short-lived',
  ]);
  await expect(at.detach('short-lived')).rejects.toMatchObject({ code: 'FUNCTION_NOT_FOUND' });
});

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

test('throttled and refused for a while, with late news of every change', async () => {
  await at.makeFunction('slow');
  const before = await at.snapshot('slow');
  await at.bed.lag({ default: 1 });
  for (const [service, action] of effects) {
    if (action === 'CreateSecret') continue;
    await at.bed.fault({ service, action, kind: 'throttling', count: 2 });
  }
  const done = await at.attach('slow');
  expect(done.proofs).toMatchObject([{ verdict: 'proved' }]);
  await at.bed.lag({ default: 0 });
  await at.detach('slow');
  expect(await at.snapshot('slow')).toEqual(before);
});
