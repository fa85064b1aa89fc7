import { InvokeCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askFunction } from '../../../../../src/providers/aws/rotation/consumers/prove.ts';
import { type Bed, startBed } from '../../../../bed/bed.ts';
import { type DataPlane, startDataPlane } from '../../../../bed/data-plane/data-plane.ts';
import { zipOf } from '../../../../bed/data-plane/zip.ts';
import { type ConsumerBed, fresh, old, prepared, promoted, startConsumerBed } from './consumer-bed.ts';

/*
 * With functions that really run: lambdapg's local Lambda behind the bed.
 */

let bed: Bed;
let plane: DataPlane;
let world: ConsumerBed;

beforeAll(async () => {
  bed = await startBed({ pace: { default: 0 } });
  plane = await startDataPlane(bed);
  world = await startConsumerBed({ bed });
});

afterAll(async () => {
  await plane.stop();
  await bed.stop();
});

/** Says as whom it would log in, which execution environment it is, and fails when it is told to. */
const code = `const environment = Math.random();
export const handler = async ({ fail }) => {
  if (fail === process.env.PGUSER) throw new Error('password=' + process.env.PGPASSWORD);
  return { statusCode: 200, body: JSON.stringify({ rows: [{ user: process.env.PGUSER, environment }] }) };
};`;

const makeFunction = async (name: string): Promise<void> =>
  world.makeFunction(
    name,
    { PGUSER: 'shop_a', PGPASSWORD: 'old-password' },
    { Code: { ZipFile: Buffer.from(await zipOf({ 'index.mjs': code })).toString('base64') } },
  );

interface Row {
  readonly user: string;
  readonly environment: number;
}

async function ask(name: string, event: object = {}): Promise<Row | undefined> {
  const Payload = Buffer.from(JSON.stringify(event));
  const command = new InvokeCommand({ FunctionName: name, Qualifier: 'live', Payload });
  const answer = await world.world.aws.read.lambda.send(command);
  if (answer.FunctionError !== undefined) return undefined;
  const { body } = JSON.parse(Buffer.from(answer.Payload ?? []).toString('utf8')) as { body: string };
  return (JSON.parse(body) as { rows: Row[] }).rows[0];
}

test('a share of the traffic gets the new login; its calls and errors are counted', {
  timeout: 60_000,
}, async () => {
  await makeFunction('weighed');
  const listed = { function: 'weighed:live', credentials: 'environment', event: { hello: 1 } };
  const consumer = await world.consumer(listed, 'function weighed:live');
  await consumer.read(prepared);
  const startedAt = Date.now();
  await consumer.shift?.(fresh, 50);
  const asked = [];
  for (let turn = 0; turn < 24; turn++) asked.push(await ask('weighed', { fail: turn < 20 ? '' : 'shop_b' }));
  const users = new Set(asked.map((row) => row?.user ?? 'failed'));
  expect(users.has('shop_a') && users.has('shop_b')).toBe(true);
  const { added } = await consumer.read(prepared);
  const measured = await added?.measure(startedAt);
  const isNew = asked.filter((row) => row?.user !== 'shop_a').length;
  const failed = asked.filter((row) => row === undefined).length;
  expect(measured).toEqual({ calls: isNew, errors: failed });
  expect(await added?.measure(Date.now() + 3_600_000)).toEqual({ calls: 0, errors: 0 });
  await bed.fault({ service: 'cloudwatch', action: 'GetMetricData', kind: 'access-denied', count: 9 });
  expect(await added?.measure(startedAt)).toEqual({ calls: 0, errors: 0 });
  await bed.clearFaults();
  expect(await consumer.prove?.()).toEqual({
    ...{ ok: false, detail: 'its versions log in as shop_a and shop_b' },
  });
  await consumer.shift?.(fresh, 100);
  expect(await consumer.prove?.()).toEqual({
    ...{ ok: true, user: 'shop_b', detail: 'says that it logs in as shop_b' },
  });
  expect((await ask('weighed'))?.user).toBe('shop_b');
});

test('what reads at its start gets new environments, not the frozen ones of before', {
  timeout: 60_000,
}, async () => {
  await makeFunction('starts');
  const before = await ask('starts');
  expect((await ask('starts'))?.environment).toBe(before?.environment);
  const listed = { function: 'starts', alias: 'live', credentials: 'start', event: { hello: 1 } };
  const consumer = await world.consumer(listed, 'function starts:live');
  expect((await consumer.read(promoted)).holds).toBe(old.login);
  // The code of this test never reads a store, so it is not asked who it is.
  const quiet = await world.consumer({ ...listed, event: false }, 'function starts:live');
  await quiet.read(promoted);
  await quiet.shift?.(fresh, 100);
  expect((await quiet.read(promoted)).holds).toBe(fresh.login);
  const after = await ask('starts');
  expect(after?.environment).not.toBe(before?.environment);
  expect(quiet.prove).toBe(undefined);
  expect(quiet.unproved).toContain('"event": false');
  // Version 1 is still there, with its frozen environment: nobody calls it any more.
  await quiet.shift?.(old, 100);
  expect((await ask('starts'))?.environment).not.toBe(before?.environment);
});

test('an error of a function is named by its class: its message may hold a password', {
  timeout: 60_000,
}, async () => {
  await makeFunction('throws');
  const proof = await askFunction(world.world, { name: 'throws', qualifier: 'live' }, { fail: 'shop_a' });
  expect(proof).toEqual({ ok: false, detail: 'it throws Error' });
});
