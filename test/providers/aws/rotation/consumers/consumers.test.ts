import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseFunction } from '../../../../../src/providers/aws/rotation/consumers/consumers.ts';
import { startBed } from '../../../../bed/bed.ts';
import {
  type ConsumerBed,
  fresh,
  old,
  prepared,
  promoted,
  secretArn,
  shown,
  startConsumerBed,
} from './consumer-bed.ts';

let world: ConsumerBed;
const login = { PGUSER: 'shop_a', PGPASSWORD: 'old-password' };
const functions = { api: { handler: 'src/api.handler' }, later: { handler: 'src/later.handler' } };

beforeAll(async () => {
  const bed = await startBed({ pace: { default: 0 } });
  world = await startConsumerBed({ bed });
  await world.makeFunction('shop-dev-api', {
    ...{ LAMBDAPG_SECRET_ARN: secretArn, LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS: '20' },
  });
  return () => bed.stop();
});

const idsOf = async (...listed: Record<string, unknown>[]): Promise<string[]> =>
  (await world.consumers(listed)).map(({ id }) => id);

describe("a project's own functions", () => {
  test('follow the secret behind their alias; what is not deployed holds nothing', async () => {
    const consumers = await world.consumers([], functions);
    expect(consumers.map(({ id }) => id)).toEqual(['function shop-dev-api:live']);
    const [api] = consumers;
    expect(await api?.verify?.(prepared)).toEqual([]);
    expect(api?.shift).toBe(undefined);
    const seen = await api?.read(prepared);
    expect(seen).toMatchObject({ kind: 'follows', takesNext: true, staged: false, state: 'ready' });
    expect([shown(seen?.holds), seen?.drainMs]).toEqual([shown(old.login), 27_000]);
    expect(shown((await api?.read(promoted))?.holds)).toBe(shown(fresh.login));
  });

  test('without an alias are called as $LATEST', async () => {
    await world.lambda('DeleteAlias', { FunctionName: 'shop-dev-api', Name: 'live' });
    expect((await world.consumers([], functions)).map(({ id }) => id)).toEqual(['function shop-dev-api']);
    const FunctionVersion = '1';
    await world.lambda('CreateAlias', { FunctionName: 'shop-dev-api', Name: 'live', FunctionVersion });
  });

  test('that are listed as something else are what they are listed as', async () => {
    const listed = { function: 'shop-{stage}-api', alias: 'live', credentials: 'cached', cacheSeconds: 5 };
    const consumers = await world.consumers([listed], functions);
    expect(consumers.length).toBe(1);
    expect(await consumers[0]?.read(prepared)).toMatchObject({ takesNext: false, drainMs: 12_000 });
  });
});

describe('a function that reads the secret by itself', () => {
  test('but has a password, or another secret, is no follower', async () => {
    await world.makeFunction('held', login);
    await world.makeFunction('other', {
      LAMBDAPG_SECRET_ARN: 'arn:aws:secretsmanager:us-east-1:1:secret:x-AbCdEf',
    });
    await world.makeFunction('named', { LAMBDAPG_SECRET_ARN: 'shop-dev/active' });
    const verify = async (name: string) => {
      const [consumer] = await world.consumers([{ function: name, credentials: 'module' }]);
      return consumer?.verify?.(prepared);
    };
    await expect(verify('held')).rejects.toMatchObject({
      code: 'CONSUMER_NOT_FOLLOWING',
      suggestions: expect.arrayContaining([expect.stringContaining('"credentials": "environment"')]),
    });
    expect(await verify('other')).toEqual([expect.stringContaining('reads another secret')]);
    expect(await verify('named')).toEqual([]);
  });

  test('may go on with what it has read for five minutes and one invocation, unless told', async () => {
    const drainMs = async (listed: object) => {
      const [consumer] = await world.consumers([{ function: 'held', alias: 'live', ...listed }]);
      return (await consumer?.read(prepared))?.drainMs;
    };
    expect(await drainMs({ credentials: 'cached' })).toBe(307_000);
    expect(await drainMs({ credentials: 'cached', cacheSeconds: 3_600 })).toBe(3_607_000);
    expect(await drainMs({ credentials: 'module' })).toBe(307_000);
  });

  test('and is not there', async () => {
    const [consumer] = await world.consumers([{ function: 'none', credentials: 'cached' }]);
    expect(await consumer?.read(prepared)).toMatchObject({
      ...{ state: 'unreachable', why: 'there is no function none', kind: 'follows' },
    });
  });
});

describe('a function that holds the login', () => {
  test('holds it in each alias and in $LATEST; an alias without a login is none', async () => {
    await world.makeFunction('many', { MOOD: 'good' });
    await world.lambda('UpdateFunctionConfiguration', {
      FunctionName: 'many',
      Environment: { Variables: login },
    });
    await world.lambda('PublishVersion', { FunctionName: 'many' });
    for (const [Name, FunctionVersion] of [
      ['blue', '2'],
      ['green', '2'],
      ['head', '$LATEST'],
    ])
      await world.lambda('CreateAlias', { FunctionName: 'many', Name, FunctionVersion });
    const listed = { function: 'many', credentials: 'environment' };
    expect(await idsOf(listed)).toEqual([
      ...['function many:blue', 'function many:green', 'function many:$LATEST'],
    ]);
    expect(await idsOf({ ...listed, alias: 'live' })).toContain('function many:live');
    expect(await idsOf({ ...listed, credentials: 'start' })).toContain('function many:live');
    // Both aliases get the one version that has the new login.
    const consumers = await world.consumers([{ ...listed, event: false }]);
    for (const consumer of consumers) {
      await consumer.read(prepared);
      await consumer.shift?.(fresh, 100);
    }
    expect([await world.alias('many', 'blue'), await world.alias('many', 'green')]).toEqual(
      Array(2).fill({ version: '3', weights: {} }),
    );
  });

  test('and is called by the number of a version: that cannot be shifted', async () => {
    await world.makeFunction('pinned', login);
    const mapping = (qualifier: string) => ({
      UUID: randomUUID(),
      EventSourceArn: 'arn:aws:sqs:us-east-1:123456789012:orders',
      FunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:pinned:${qualifier}`,
    });
    const undo = await world.bed.hook({ after: ['lambda:ListEventSourceMappings'] }, async ({ output }) => ({
      output: {
        ...output,
        EventSourceMappings: [mapping('1'), mapping('live'), { ...mapping('9'), State: 'Disabled' }],
      },
    }));
    const consumers = await world.consumers([{ function: 'pinned:live', credentials: 'environment' }]);
    await undo();
    expect(consumers.map(({ id }) => id)).toEqual([
      ...['function pinned:live', 'function pinned:$LATEST', 'function pinned:1'],
    ]);
    const seen = await consumers[2]?.read(prepared);
    expect(seen).toMatchObject({
      state: 'unreachable',
      why: expect.stringContaining('orders calls version 1'),
    });
    expect(shown(seen?.holds)).toBe(shown(old.login));
  });

  test('and is not there', async () => {
    const listed = { function: 'none', credentials: 'environment' };
    expect(await idsOf(listed)).toEqual(['function none:$LATEST']);
    expect(await idsOf({ ...listed, alias: 'live' })).toEqual([
      ...['function none:live', 'function none:$LATEST'],
    ]);
  });
});

test('copies are named as they are listed', async () => {
  expect(
    await idsOf({ parameter: '/shop/{stage}/db', form: 'url' }, { secret: 'team/{stage}', form: 'json' }),
  ).toEqual(['parameter /shop/dev/db', 'secret team/dev']);
});

test.each([
  ['f', { name: 'f' }],
  ['f:live', { name: 'f', qualifier: 'live' }],
  ['arn:aws:lambda:us-east-1:1:function:f', { name: 'arn:aws:lambda:us-east-1:1:function:f' }],
  [
    'arn:aws:lambda:us-east-1:1:function:f:live',
    { name: 'arn:aws:lambda:us-east-1:1:function:f', qualifier: 'live' },
  ],
])('%s names a function', (spelled, expected) => {
  expect(parseFunction(spelled)).toEqual(expected);
});
