import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { quoteIdentifier } from '../../../../../src/database/identifier.ts';
import { type RotationFunctionBed, startRotationFunctionBed } from './rotation-function-bed.ts';

/*
 * One stage, rotated again and again while something goes wrong.
 */

let fn: RotationFunctionBed;

beforeAll(async () => {
  fn = await startRotationFunctionBed();
  await fn.install();
  await fn.lastRotation();
  await fn.configure({ drainSeconds: 0 });
}, 120_000);
afterAll(() => fn?.close());
afterEach(async () => {
  await fn.bed.clearFaults();
  await fn.bed.lag({ default: 0 });
});

const service = 'secretsmanager';
const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'].map((step) => ({ step }));

/** From one slot to the other, with the old login alive. */
async function expectRotated(work: () => Promise<unknown>): Promise<void> {
  const before = await fn.login();
  await work();
  const after = await fn.login();
  expect(after.username).not.toBe(before.username);
  expect([await fn.tryLogin(before), await fn.tryLogin(after)]).toEqual(['ok', 'ok']);
}

describe('what is not noticed by Secrets Manager', () => {
  test.each([
    ['drop-after', 'PutSecretValue', 1],
    ['drop-before', 'PutSecretValue', 1],
    ['drop-after', 'UpdateSecretVersionStage', 1],
    ['drop-before', 'UpdateSecretVersionStage', 1],
    ['error-after', 'UpdateSecretVersionStage', 1],
    ['throttling', 'GetSecretValue', 3],
    ['server-error', 'DescribeSecret', 1],
  ] as const)(
    '%s of %s',
    async (kind, action, count) => {
      const how = kind === 'error-after' ? { code: 'InternalServiceError', message: 'x', status: 500 } : {};
      await fn.bed.fault({ service, action, kind, count, ...how });
      await expectRotated(async () => expect(await fn.rotate()).toMatchObject({ state: 'succeeded', steps }));
    },
    120_000,
  );

  test('labels and values that show late', async () => {
    await fn.bed.lag({ 'secretsmanager.version': 3 });
    await expectRotated(async () => expect((await fn.rotate()).state).toBe('succeeded'));
  }, 120_000);
});

describe('killed in the middle of a step, which Secrets Manager then calls again', () => {
  test.each(['PutSecretValue', 'UpdateSecretVersionStage'])(
    'while %s is on its way',
    async (action) => {
      // Asked for twice, looked after, and asked for again: longer than the function has.
      await fn.bed.fault({ service, action, kind: 'delay', count: 3, delayMs: 12_000 });
      await expectRotated(async () => {
        const { state, steps: done } = await fn.rotateKilled();
        expect(state).toBe('succeeded');
        expect(done.find(({ error }) => error !== undefined)?.error).toContain('timed out');
      });
    },
    240_000,
  );

  test('while the password is set', async () => {
    const { username } = await fn.login('AWSPREVIOUS');
    await expectRotated(() =>
      fn.server.asAdmin(async (client) => {
        await client.query('BEGIN');
        // Retiring it comes first, and waits for this as well.
        await client.query(`ALTER ROLE ${quoteIdentifier(username)} CONNECTION LIMIT 50`);
        const released = setTimeout(() => void client.query('ROLLBACK'), 12_000);
        const { state, steps: done } = await fn.rotateKilled();
        clearTimeout(released);
        expect(state).toBe('succeeded');
        expect(done[0]?.error).toBeDefined();
      }),
    );
  }, 240_000);
});
