import { TagResourceCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
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

test('a bare URL: user and password are in a secret of its own, and nowhere else', async () => {
  await at.makeFunction('by-url');
  const before = await at.snapshot('by-url');
  const databaseUrl = `postgres://app:${encodeURIComponent(appPassword)}@${at.host}:5432/shop`;
  const planned = await at.plan('by-url', { databaseUrl });
  const done = await at.attach('by-url', { databaseUrl });
  expect(done.proofs).toMatchObject([{ verdict: 'proved' }]);
  expect(await at.invoke('by-url')).toEqual({ who: 'app', db: 'shop', n: 42 });
  const said = JSON.stringify([planned.shown, done, at.context().events, await at.snapshot('by-url')]);
  expect(said).not.toContain('app-Password');
  expect((await at.plan('by-url', { databaseUrl })).shown.plan.changes).toBe(0);
  const changed = await at.plan('by-url', { databaseUrl: databaseUrl.replace('app-', 'new-') });
  expect(changed.shown.plan.changes).toBe(1);
  await at.detach('by-url');
  expect(await at.snapshot('by-url')).toEqual(before);
  const { SecretList = [] } = await at.secrets.send(new ListSecretsCommand({}));
  expect(SecretList.map(({ Name }) => Name)).not.toContain('lambdapg-attach/by-url');
});

test('a function in its VPC keeps its place, its values are put aside, and several go at once', async () => {
  const group = await at.makeGroup('its-own');
  const VpcConfig = { SubnetIds: [at.subnetIds[1]], SecurityGroupIds: [group] };
  const Environment = { Variables: { KEEP: 'me', PGHOST: 'old.example.com', LAMBDAPG_DB_AUTH: 'iam' } };
  await at.makeFunction('inside', { VpcConfig, Environment });
  await at.makeFunction('second', { VpcConfig });
  await at.lambda.send(
    new TagResourceCommand({
      Resource: `arn:aws:lambda:us-east-1:${at.bed.account}:function:inside`,
      Tags: { team: 'orders' },
    }),
  );
  const before = [await at.snapshot('inside'), await at.snapshot('second')];
  await expect(at.plan('inside')).rejects.toMatchObject({ code: 'ENVIRONMENT_TAKEN' });
  const tagged = await at.plan('', { functions: { tag: 'team=orders' }, replaceEnvironment: true });
  expect(tagged.shown.functions).toEqual([{ name: 'inside', network: 'stays' }]);

  const done = await at.attach('inside,second', { replaceEnvironment: true });
  expect(done.proofs.map(({ verdict }) => verdict)).toEqual(['proved', 'proved']);
  expect(await at.invoke('inside')).toEqual({ who: 'app', db: 'shop', n: 42 });
  expect(await at.invoke('second')).toEqual({ who: 'app', db: 'shop', n: 42 });
  // Somebody adds a variable in the meantime: it stays.
  await at.lambda.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: 'second', Description: 'hand-made' }),
  );
  await at.detach('inside,second');
  expect(await at.snapshot('inside')).toEqual(before[0]);
  expect(await at.snapshot('second')).toMatchObject({ configuration: { Description: 'hand-made' } });
});

test("an RDS Proxy that knows the login: the secret is the proxy's only one", async () => {
  await proxies.make('known', secretAuth(at.secretArn), [at.secretArn]);
  await at.makeFunction('pooled');
  const before = [await at.snapshot('pooled'), await proxies.find('known')];
  const choice = { to: 'known', secret: undefined, databaseName: 'shop' };
  expect((await at.attach('pooled', choice)).proofs).toMatchObject([{ verdict: 'proved' }]);
  expect(await at.invoke('pooled')).toEqual({ who: 'app', db: 'shop', n: 42 });
  await at.detach('pooled');
  expect([await at.snapshot('pooled'), await proxies.find('known')]).toEqual(before);
});

test('an RDS Proxy whose logins cannot be added to, refused', async () => {
  await at.makeFunction('refused');
  await proxies.make('iam-only', { DefaultAuthScheme: 'IAM_AUTH' });
  await expect(at.plan('refused', { to: 'iam-only' })).rejects.toMatchObject({
    code: 'PROXY_TAKES_IAM_ONLY',
  });
  await proxies.make('iam-required', secretAuth(at.secretArn, 'REQUIRED'));
  await expect(at.plan('refused', { to: 'iam-required' })).rejects.toMatchObject({
    code: 'PROXY_TAKES_IAM_ONLY',
  });
  const { Auth = [] } = secretAuth(await at.makeSecret('third/login', 'third'));
  const many = Array.from({ length: 200 }, () => Auth).flat();
  await proxies.make('full', { Auth: many });
  await expect(at.plan('refused', { to: 'full' })).rejects.toMatchObject({ code: 'PROXY_FULL' });
  await proxies.make('two', { Auth: [...Auth, ...secretAuth(at.secretArn).Auth] });
  await expect(at.plan('refused', { to: 'two', secret: undefined })).rejects.toMatchObject({
    code: 'NO_LOGIN_CHOSEN',
    exit: 2,
  });
});
