import { randomUUID } from 'node:crypto';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Aws, openAws } from '../../../../../src/providers/aws/clients.ts';
import { storeOf } from '../../../../../src/providers/aws/rotation/store/store.ts';
import { secretsApi } from '../../../../../src/providers/aws/rotation/store/store-api.ts';
import {
  type SecretExpectations,
  verifySecret,
} from '../../../../../src/providers/aws/rotation/store/verify-secret.ts';
import type { StoreSeen } from '../../../../../src/rotation/parts.ts';
import { type Bed, startBed } from '../../../../bed/bed.ts';
import { instanceInput } from '../../../../bed/differs.ts';

const name = 'shop-dev/active';
const host = 'shop-dev-db.abc.us-east-1.rds.amazonaws.com';
let bed: Bed;
let aws: Aws;

beforeEach(async () => {
  bed = await startBed();
  onTestFinished(() => bed.stop());
  Object.assign(process.env, bed.environment);
  aws = await openAws({});
});

const expected: SecretExpectations = {
  ...{ stage: 'dev', hasEngine: false, hosts: new Set([host, 'shop-dev-proxy.x']) },
  slots: { a: 'shop_a', b: 'shop_b' },
};

const verify = (more: Partial<SecretExpectations> = {}, id = name): Promise<StoreSeen> =>
  verifySecret(aws, id, storeOf(secretsApi(aws, id), id, { pace: 0.02 }), { ...expected, ...more });

const ask = <Output = Record<string, unknown>>(action: string, input: object, service = 'secretsmanager') =>
  bed.aws<Output>({ service, action, plain: false, input: input as Record<string, unknown> });

const make = (value?: object, more = {}) =>
  ask('CreateSecret', {
    ...{ Name: name, ...more },
    ...(value !== undefined && { SecretString: JSON.stringify(value) }),
  });
const login = { username: 'shop_a', password: 'x' };

async function refusal(more: Partial<SecretExpectations> = {}, id = name): Promise<[string, string]> {
  const error: unknown = await verify(more, id).catch((error: unknown) => error);
  const { code, message, suggestions } = error as { code: string; message: string; suggestions: string[] };
  return [code, [message, ...suggestions].join('\n')];
}

test('a secret with a login is what the store holds', async () => {
  await make({ ...login, host: 'shop-dev-proxy.x' });
  expect((await verify()).current?.login.user).toBe('shop_a');
});

test('without username and password', async () => {
  await make({ user: 'shop_a' });
  expect(await refusal()).toEqual(['BAD_SECRET', expect.stringContaining('"username"')]);
});

test('for another host, which is named along with those that would do', async () => {
  await make({ ...login, host: 'other.example' });
  expect(await refusal()).toEqual([
    'SECRET_OTHER_HOST',
    expect.stringMatching(/other\.example.*\n.*shop-dev-proxy\.x/),
  ]);
});

test('to be deleted', async () => {
  await make(login);
  await ask('DeleteSecret', { SecretId: name });
  expect(await refusal()).toEqual([
    'SECRET_DELETED',
    expect.stringContaining('restore-secret --secret-id shop-dev/active'),
  ]);
});

test('a service owns it: managed rotation is the way', async () => {
  const input = instanceInput({ ManageMasterUserPassword: true });
  delete input.MasterUserPassword;
  const made = await ask<{ DBInstance: { MasterUserSecret: { SecretArn: string } } }>(
    'CreateDBInstance',
    input,
    'rds',
  );
  const arn = made.DBInstance.MasterUserSecret.SecretArn;
  expect(await refusal({}, arn)).toEqual(['SECRET_OWNED', expect.stringContaining('--strategy managed')]);
});

const functionArn = 'arn:aws:lambda:us-east-1:123456789012:function:rotator';
const schedule = () =>
  bed.hook({ after: ['secretsmanager:DescribeSecret'] }, async ({ output }) => ({
    output: { ...output, RotationEnabled: true, RotationLambdaARN: functionArn },
  }));

test("on the caller's own schedule: the command that ends it", async () => {
  await make(login);
  await schedule();
  expect(await refusal({ isOwnFunction: async () => false })).toEqual([
    'SECRET_ROTATES_ITSELF',
    expect.stringContaining('aws secretsmanager cancel-rotate-secret --secret-id shop-dev/active'),
  ]);
});

test("driven by lambdapg's own function: how to have it rotate now", async () => {
  await make(login);
  await schedule();
  const seen: string[] = [];
  const isOwnFunction = async (arn: string) => seen.push(arn) > 0;
  expect(await refusal({ isOwnFunction })).toEqual([
    'OWN_ROTATION_FUNCTION',
    expect.stringContaining('aws secretsmanager rotate-secret --secret-id shop-dev/active'),
  ]);
  expect(seen).toEqual([functionArn]);
});

test('with a pending login that is no slot: how to take it back', async () => {
  await make(login);
  const token = randomUUID();
  const foreign = JSON.stringify({ username: 'shop_a_clone', password: 'y' });
  const version = { ClientRequestToken: token, VersionStages: ['AWSPENDING'] };
  await ask('PutSecretValue', { SecretId: name, SecretString: foreign, ...version });
  expect(await refusal()).toEqual([
    'FOREIGN_PENDING',
    expect.stringMatching(
      new RegExp(`shop_a_clone[^]*rotate-creds --rollback[^]*--remove-from-version-id ${token}`),
    ),
  ]);
  expect(await verify({ givesUpPending: true })).toMatchObject({ pending: { versionId: token } });
});

test('with a pending login for another host', async () => {
  await make(login);
  const elsewhere = JSON.stringify({ username: 'shop_b', password: 'y', host: 'mallory.example' });
  await ask('PutSecretValue', { SecretId: name, SecretString: elsewhere, VersionStages: ['AWSPENDING'] });
  expect(await refusal()).toEqual([
    'SECRET_OTHER_HOST',
    expect.stringMatching(/AWSPENDING.*rotate-creds --rollback/s),
  ]);
  expect(await verify({ givesUpPending: true })).toMatchObject({ pending: { login: { user: 'shop_b' } } });
});

test('not filled yet, or not made', async () => {
  expect(await refusal()).toEqual([
    'NO_SUCH_SECRET',
    expect.stringContaining('lambdapg provision --stage dev'),
  ]);
  await make();
  expect(await refusal({ hasEngine: true })).toEqual([
    'SECRET_EMPTY',
    expect.stringContaining('lambdapg deploy'),
  ]);
});

test.each([
  ['AccessDeniedException', 'Access to KMS is not allowed'],
  ['DecryptionFailure', 'the key is disabled'],
])('a key that is not to be used: %s', async (code, message) => {
  await make(login, { KmsKeyId: 'alias/shop' });
  await bed.fault({ action: 'GetSecretValue', kind: 'error', code, message, status: 400, count: -1 });
  expect(await refusal()).toEqual([
    'KMS_DENIED',
    expect.stringContaining('kms:Decrypt and kms:GenerateDataKey on alias/shop'),
  ]);
});

test('a right that is missing is no trouble with a key', async () => {
  await make(login);
  await bed.fault({ action: 'GetSecretValue', kind: 'access-denied', count: -1 });
  expect(await refusal()).toEqual(['ACCESS_DENIED', expect.stringContaining('GetSecretValue')]);
});
