import { randomUUID } from 'node:crypto';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Aws, openAws } from '../../../../../src/providers/aws/clients.ts';
import { storeOf } from '../../../../../src/providers/aws/rotation/store/store.ts';
import { type SecretsApi, secretsApi } from '../../../../../src/providers/aws/rotation/store/store-api.ts';
import type { CredentialStore, StoreSeen } from '../../../../../src/rotation/parts.ts';
import { Secret } from '../../../../../src/secret.ts';
import { type Bed, startBed } from '../../../../bed/bed.ts';

const name = 'shop-dev/active';
let bed: Bed;
let aws: Aws;
let store: CredentialStore;

beforeEach(async () => {
  bed = await startBed();
  onTestFinished(() => bed.stop());
  Object.assign(process.env, bed.environment);
  aws = await openAws({});
  store = storeOf(secretsApi(aws, name), name, { pace: 0.05 });
});

const ask = (action: string, input: object) =>
  bed.aws<Record<string, string>>({
    ...{ service: 'secretsmanager', action, plain: false },
    input: { SecretId: name, ...input } as Record<string, unknown>,
  });

async function make(text?: string): Promise<string> {
  const made = await bed.aws<{ VersionId: string }>({
    ...{ service: 'secretsmanager', action: 'CreateSecret', plain: false },
    input: { Name: name, ...(text !== undefined && { SecretString: text }) },
  });
  return made.VersionId;
}

const json = (user: string, more = {}) => JSON.stringify({ username: user, password: 'former', ...more });
const login = (user = 'shop_b', password = 'n€w/p@ss') => ({ user, password: new Secret(password) });
const textIn = async (VersionId: string) => (await ask('GetSecretValue', { VersionId })).SecretString ?? '';

/** Labels and users, as far as they are there. */
const shown = (seen: StoreSeen) => ({
  ...(seen.current && { current: seen.current.login.user }),
  ...(seen.pending && { pending: seen.pending.login.user }),
  ...(seen.previous && { previous: seen.previous.login.user }),
  ...(seen.emptyPending !== undefined && { empty: seen.emptyPending }),
  ...(seen.pendingIsCurrent && { pendingIsCurrent: true }),
});

test('a rotation moves the labels, and each step may be done again', async () => {
  const first = await make(json('shop_a', { host: 'db.example', port: 5432, dbname: 'shop', colour: 'red' }));
  expect((await store.read()).current?.login.place).toBe('db.example:5432/shop');
  const token = randomUUID();
  for (let turn = 0; turn < 2; turn++) await store.putPending(token, login());
  // Another password under the same token changes nothing.
  await store.putPending(token, login('shop_b', 'other'));
  expect(shown(await store.read())).toEqual({ current: 'shop_a', pending: 'shop_b' });
  expect(JSON.parse(await textIn(token))).toEqual({
    ...{ username: 'shop_b', password: 'n€w/p@ss' },
    ...{ host: 'db.example', port: 5432, dbname: 'shop', colour: 'red' },
  });
  for (let turn = 0; turn < 2; turn++) await store.promote(token, first);
  expect(shown(await store.read())).toEqual({
    ...{ current: 'shop_b', previous: 'shop_a', pendingIsCurrent: true },
  });
  for (let turn = 0; turn < 2; turn++) await store.clearPending(token);
  const closed = await store.read();
  expect(shown(closed)).toEqual({ current: 'shop_b', previous: 'shop_a' });
  expect(closed.current?.createdAt).toBeGreaterThan(1e12);
});

test('a URL stays a URL, with its options', async () => {
  await make('postgres://shop_a:form%40er@db.example:6432/shop?sslmode=verify-full');
  const token = randomUUID();
  await store.putPending(token, login());
  expect(await textIn(token)).toBe(
    'postgres://shop_b:n%E2%82%ACw%2Fp%40ss@db.example:6432/shop?sslmode=verify-full',
  );
  const { pending } = await store.read();
  expect(pending?.login.password.reveal()).toBe('n€w/p@ss');
  expect(pending?.login.place).toBe('db.example:6432/shop');
});

test('a URL beside username and password goes along, another one stays', async () => {
  await make(
    json('shop_a', { url: 'postgres://shop_a:former@h/shop', report: 'postgres://reader:x@h/shop' }),
  );
  const token = randomUUID();
  await store.putPending(token, login('shop_b', 'new'));
  expect(JSON.parse(await textIn(token))).toMatchObject({
    ...{ url: 'postgres://shop_b:new@h/shop', report: 'postgres://reader:x@h/shop' },
  });
});

test('a pending version without a value is empty, until it has one', async () => {
  await make(json('shop_a'));
  const token = randomUUID();
  const unhook = await bed.hook({ after: ['secretsmanager:GetSecretValue'] }, async ({ input }) =>
    input.VersionId === token
      ? { error: { code: 'ResourceNotFoundException', message: 'no value', status: 400 } }
      : undefined,
  );
  await ask('PutSecretValue', {
    SecretString: json('shop_b'),
    ClientRequestToken: token,
    VersionStages: ['AWSPENDING'],
  });
  expect(shown(await store.read())).toEqual({ current: 'shop_a', empty: token });
  // Once it has stayed empty it is asked once a look; what is known is not asked for again.
  await bed.clearRequests();
  expect(shown(await store.read())).toEqual({ current: 'shop_a', empty: token });
  expect((await bed.requests()).map(({ action }) => action)).toEqual(['DescribeSecret', 'GetSecretValue']);
  await unhook();
  expect(shown(await store.read())).toEqual({ current: 'shop_a', pending: 'shop_b' });
});

test('an empty secret has nothing, and gets what RDS and its proxies read', async () => {
  await make();
  expect(shown(await store.read())).toEqual({});
  await store.putPending(randomUUID(), login());
  const { current, pending } = await store.read();
  // The first version of all is the current one as well.
  expect((current ?? pending)?.login.user).toBe('shop_b');
});

test('a value that is no login is refused by its label, and none of it is quoted', async () => {
  const first = await make('{"user":"shop_a","password":"hush"');
  await expect(store.read()).rejects.toMatchObject({
    code: 'BAD_SECRET',
    message: expect.stringContaining('AWSCURRENT'),
  });
  await ask('PutSecretValue', { SecretString: json('shop_a') });
  // What was there before concerns nobody.
  expect(shown(await store.read())).toEqual({ current: 'shop_a' });
  await ask('UpdateSecretVersionStage', { VersionStage: 'AWSPENDING', MoveToVersionId: first });
  const refused: unknown = await store.read().catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'BAD_SECRET', message: expect.stringContaining('AWSPENDING') });
  expect(JSON.stringify([refused, String(refused)])).not.toContain('hush');
  expect((refused as { suggestions: string[] }).suggestions.join()).toContain(first);
});

test('a promotion whose label was moved by somebody else is refused', async () => {
  const first = await make(json('shop_a'));
  const token = randomUUID();
  await store.putPending(token, login());
  await ask('PutSecretValue', { SecretString: json('mallory') });
  await expect(store.promote(token, first)).rejects.toThrow(/secret shop-dev\/active/);
  expect((await store.read()).current?.login.user).toBe('mallory');
});

test.each(['drop-after', 'drop-before', 'throttling', 'server-error'] as const)(
  'calls that end in %s change nothing of the outcome',
  async (kind) => {
    const first = await make(json('shop_a'));
    const token = randomUUID();
    const spoil = (action: string) => bed.fault({ service: 'secretsmanager', action, kind });
    await spoil('PutSecretValue');
    await store.putPending(token, login());
    await spoil('UpdateSecretVersionStage');
    await store.promote(token, first);
    await spoil('UpdateSecretVersionStage');
    await store.clearPending(token);
    expect((await bed.faults()).map(({ hits }) => hits)).toEqual([1, 1, 1]);
    expect(shown(await store.read())).toEqual({ current: 'shop_b', previous: 'shop_a' });
  },
);

test('the past is not taken for the present', async () => {
  const first = await make(json('shop_a'));
  const real = secretsApi(aws, name);
  const before = await real.describe();
  let stale = 0;
  const lagging: SecretsApi = {
    ...real,
    describe: async () => (stale-- > 0 ? before : real.describe()),
    get: async (version) => {
      if (version !== first && stale-- > 0)
        throw Object.assign(new Error('not there'), { name: 'ResourceNotFoundException' });
      return real.get(version);
    },
  };
  const lagged = storeOf(lagging, name, { pace: 0.05 });
  const token = randomUUID();
  await lagged.putPending(token, login());
  stale = 4;
  expect(shown(await lagged.read())).toEqual({ current: 'shop_a', pending: 'shop_b' });
});

test('what has lost its labels is still read, the latest first, and not what has a label or no login', async () => {
  const first = await make(json('shop_a'));
  const put = async (text: string) =>
    (await ask('PutSecretValue', { SecretString: text, VersionStages: ['AWSPENDING'] })).VersionId ?? '';
  expect(await store.unlabelled?.()).toEqual([]);
  const [second, third] = [await put(json('shop_b')), await put(json('shop_b', { colour: 'blue' }))];
  await put('no login');
  const last = await put(json('shop_b', { colour: 'red' }));
  const lost = await store.unlabelled?.();
  expect(lost).toMatchObject([
    { versionId: third, login: { user: 'shop_b' } },
    { versionId: second, login: { user: 'shop_b' } },
  ]);
  await ask('UpdateSecretVersionStage', { VersionStage: 'AWSPENDING', RemoveFromVersionId: last });
  const more = await store.unlabelled?.();
  expect(more).toMatchObject([{ versionId: last }, { versionId: third }, { versionId: second }]);
  expect(JSON.stringify(more)).not.toContain(first);
});

test('who may not list versions is told so, and nothing else fails', async () => {
  await make(json('shop_a'));
  const action = 'ListSecretVersionIds';
  await bed.fault({ service: 'secretsmanager', action, kind: 'access-denied' });
  expect(await store.unlabelled?.()).toContain('secretsmanager:ListSecretVersionIds');
  await bed.fault({ service: 'secretsmanager', action, kind: 'throttling', count: 9 });
  await expect(store.unlabelled?.()).rejects.toMatchObject({ code: 'THROTTLED' });
});
