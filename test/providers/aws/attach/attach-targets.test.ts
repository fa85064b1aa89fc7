import { PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { TagResourceCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import {
  CreateDBProxyCommand,
  DescribeDBProxiesCommand,
  RegisterDBProxyTargetsCommand,
} from '@aws-sdk/client-rds';
import { CreateSecretCommand, ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AttachBed, appPassword, startAttachBed } from './attach-bed.ts';

let at: AttachBed;
let proxyGroup: string;

beforeAll(async () => {
  at = await startAttachBed();
  proxyGroup = await at.makeGroup('proxy');
  // The chain behind the proxy is open, as whoever made it left it.
  const { AuthorizeSecurityGroupIngressCommand } = await import('@aws-sdk/client-ec2');
  await at.ec2.send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId: at.databaseGroup,
      IpPermissions: [
        { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, UserIdGroupPairs: [{ GroupId: proxyGroup }] },
      ],
    }),
  );
});

afterAll(() => at.stop());

const proxyOf = async (name: string) =>
  (await at.rds.send(new DescribeDBProxiesCommand({ DBProxyName: name }))).DBProxies?.[0];

async function makeProxy(name: string, auth: object, secretArns: readonly string[] = []): Promise<void> {
  const RoleArn = await at.makeRole(`${name}-role`, 'rds.amazonaws.com');
  if (secretArns.length > 0) {
    await at.iam.send(
      new PutRolePolicyCommand({
        ...{ RoleName: `${name}-role`, PolicyName: 'read' },
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: secretArns }],
        }),
      }),
    );
  }
  await at.rds.send(
    new CreateDBProxyCommand({
      ...{ DBProxyName: name, EngineFamily: 'POSTGRESQL', RoleArn, RequireTLS: true },
      ...{ VpcSubnetIds: [...at.subnetIds], VpcSecurityGroupIds: [proxyGroup] },
      ...auth,
    }),
  );
  await at.rds.send(
    new RegisterDBProxyTargetsCommand({ DBProxyName: name, DBInstanceIdentifiers: ['orders'] }),
  );
}

const secretAuth = (SecretArn: string, IAMAuth: 'DISABLED' | 'REQUIRED' = 'DISABLED') => ({
  Auth: [{ AuthScheme: 'SECRETS' as const, SecretArn, IAMAuth }],
});

async function makeSecret(Name: string, username: string): Promise<string> {
  const SecretString = JSON.stringify({ username, password: 'x' });
  return (await at.secrets.send(new CreateSecretCommand({ Name, SecretString }))).ARN ?? '';
}

describe('an RDS Proxy', () => {
  test("that knows the login: the secret is the proxy's only one", async () => {
    await makeProxy('known', secretAuth(at.secretArn), [at.secretArn]);
    await at.makeFunction('pooled');
    const before = [await at.snapshot('pooled'), await proxyOf('known')];
    const choice = { to: 'known', secret: undefined, databaseName: 'shop' };
    expect((await at.attach('pooled', choice)).proofs).toMatchObject([{ verdict: 'proved' }]);
    expect(await at.invoke('pooled')).toEqual({ who: 'app', db: 'shop', n: 42 });
    await at.detach('pooled');
    expect([await at.snapshot('pooled'), await proxyOf('known')]).toEqual(before);
  });

  test('is given the login that it does not know, and loses it again', async () => {
    const other = await makeSecret('other/login', 'nobody');
    await makeProxy('extended', secretAuth(other), [other]);
    await at.makeFunction('extends');
    const before = [await at.snapshot('extends'), await proxyOf('extended')];
    const choice = { to: 'extended', databaseName: 'shop' };
    expect((await at.attach('extends', choice)).proofs).toMatchObject([{ verdict: 'proved' }]);
    expect((await at.plan('extends', choice)).shown.plan.changes).toBe(0);
    expect(await at.invoke('extends')).toEqual({ who: 'app', db: 'shop', n: 42 });
    await at.detach('extends');
    const [function_, proxy] = [await at.snapshot('extends'), await proxyOf('extended')];
    expect(function_).toEqual(before[0]);
    expect(proxy?.Auth).toEqual((before[1] as typeof proxy)?.Auth);
  });

  test('refuses where its logins cannot be added to', async () => {
    await at.makeFunction('refused');
    await makeProxy('iam-only', { DefaultAuthScheme: 'IAM_AUTH' });
    await expect(at.plan('refused', { to: 'iam-only' })).rejects.toMatchObject({
      code: 'PROXY_TAKES_IAM_ONLY',
    });
    await makeProxy('iam-required', secretAuth(at.secretArn, 'REQUIRED'));
    await expect(at.plan('refused', { to: 'iam-required' })).rejects.toMatchObject({
      code: 'PROXY_TAKES_IAM_ONLY',
    });
    const { Auth = [] } = secretAuth(await makeSecret('third/login', 'third'));
    const many = Array.from({ length: 200 }, () => Auth).flat();
    await makeProxy('full', { Auth: many });
    await expect(at.plan('refused', { to: 'full' })).rejects.toMatchObject({ code: 'PROXY_FULL' });
    await makeProxy('two', { Auth: [...Auth, ...secretAuth(at.secretArn).Auth] });
    await expect(at.plan('refused', { to: 'two', secret: undefined })).rejects.toMatchObject({
      code: 'NO_LOGIN_CHOSEN',
      exit: 2,
    });
  });
});

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

test('two functions behind one proxy: the secret that it was given stays until the last one leaves', async () => {
  const other = await makeSecret('fourth/login', 'nobody');
  await makeProxy('shared', secretAuth(other), [other]);
  await at.makeFunction('first-of-two');
  await at.makeFunction('last-of-two');
  const choice = { to: 'shared', databaseName: 'shop' };
  const before = (await proxyOf('shared'))?.Auth;
  expect((await at.attach('first-of-two,last-of-two', choice)).proofs).toMatchObject([
    { verdict: 'proved' },
    { verdict: 'proved' },
  ]);
  await at.detach('first-of-two');
  expect((await at.plan('last-of-two', choice)).shown.plan.changes).toBe(0);
  expect(await at.invoke('last-of-two')).toEqual({ who: 'app', db: 'shop', n: 42 });
  await at.detach('last-of-two');
  expect((await proxyOf('shared'))?.Auth).toEqual(before);
});

test('a function that was deleted: what it left is taken away by its name', async () => {
  const { DeleteFunctionCommand } = await import('@aws-sdk/client-lambda');
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
