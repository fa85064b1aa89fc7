import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Aws, openAws } from '../../../src/providers/aws/clients.ts';
import { type LockTimes, withRunLock } from '../../../src/providers/aws/run-lock.ts';
import { thisMachine } from '../../../src/this-machine.ts';
import { type Bed, startBed } from '../../bed/bed.ts';
import { type TestContext, testContext } from '../../postgres-server.ts';

const stage = { prefix: 'shop-dev' };
const path = '/lambdapg/shop-dev/run';
const fast: LockTimes = { renewEveryMs: 50, staleMs: 500, lookEveryMs: 50, patienceMs: 30_000 };
/** Nobody becomes stale in such a test. */
const impatient: LockTimes = { ...fast, staleMs: 600_000, patienceMs: 200 };

let bed: Bed;
let aws: Aws;

beforeEach(async () => {
  bed = await startBed();
  Object.assign(process.env, bed.environment);
  aws = await openAws({});
  return () => bed.stop();
});

const withLock = <T>(work: () => Promise<T>, times: LockTimes = fast, context: TestContext = testContext()) =>
  withRunLock(context, { aws, stage }, 'lambdapg provision', work, times);

const living = { machine: thisMachine(process.env), pid: process.pid };
const elsewhere = { machine: 'another', pid: process.pid };

async function hold(generation: number, where: typeof living): Promise<void> {
  const Value = JSON.stringify({
    run: 'theirs',
    host: 'fern',
    user: 'ada',
    doing: 'lambdapg deploy',
    ...where,
  });
  const input = { Name: `${path}/${generation}`, Value, Type: 'String' };
  await bed.aws({ service: 'ssm', action: 'PutParameter', input });
}

/** The runs that hold or held a lock, by generation: `1 theirs`. */
async function locks(): Promise<string[]> {
  const input = { Path: path };
  const { Parameters } = await bed.aws<{ Parameters: { Name: string; Value: string }[] }>({
    ...{ service: 'ssm', action: 'GetParametersByPath', input },
  });
  return Parameters.map(({ Name, Value }) => {
    const { run } = JSON.parse(Value) as { run: string };
    return `${Name.slice(path.length + 1)} ${run === 'theirs' ? run : 'ours'}`;
  });
}

/** A promise, and what keeps it. */
function signal(): [kept: Promise<void>, keep: () => void] {
  let keep = () => {};
  const kept = new Promise<void>((resolve) => {
    keep = resolve;
  });
  return [kept, () => keep()];
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid ?? 0;
}

describe('the run lock', () => {
  test('is there while the work is done, and gone after it, and after a failure', async () => {
    expect(await withLock(locks)).toEqual(['1 ours']);
    expect(await locks()).toEqual([]);
    await expect(withLock(() => Promise.reject(new Error('work')))).rejects.toThrow('work');
    expect(await locks()).toEqual([]);
  });

  test('of a dead process of this machine is taken over at once', async () => {
    await hold(3, { ...living, pid: await deadPid() });
    expect(await withLock(locks, impatient)).toEqual(['4 ours']);
    expect(await locks()).toEqual([]);
  });

  test.each([
    ['a living process', living],
    ['a process elsewhere, whose number means nothing here', { ...elsewhere, pid: 999_999_999 }],
  ])('of %s is waited for, then named', async (_title, where) => {
    await hold(1, where);
    const context = testContext();
    await expect(withLock(locks, impatient, context)).rejects.toMatchObject({
      code: 'RUN_IN_PROGRESS',
      exit: 75,
      message: `lambdapg deploy by ada on fern (process ${where.pid}) is still at work on this stage`,
    });
    expect(context.events).toContainEqual(expect.objectContaining({ type: 'lock-waiting', host: 'fern' }));
    expect(await locks()).toEqual(['1 theirs']);
  });

  test('that nobody renews is taken over when it was watched long enough', async () => {
    await hold(1, elsewhere);
    expect(await withLock(locks)).toEqual(['2 ours']);
  });

  test('that is old beyond any difference of clocks is taken over at once', async () => {
    await hold(1, elsewhere);
    const old = new Date(Date.now() - 3_600_000).toISOString();
    await bed.hook({ after: ['ssm:GetParametersByPath'] }, ({ output }) => {
      const { Parameters } = output as { Parameters: { Value: string }[] };
      const aged = Parameters.map((one) =>
        one.Value.includes('theirs') ? { ...one, LastModifiedDate: old } : one,
      );
      return { output: { ...output, Parameters: aged } };
    });
    expect(await withLock(locks, { ...fast, staleMs: 60_000 })).toEqual(['2 ours']);
  });

  test('is not stolen from one who renews it', async () => {
    const order: string[] = [];
    const slowly = { ...fast, staleMs: 3_000 };
    const slow = withLock(async () => {
      order.push('first begins');
      // Unrenewed it would be taken over by then, for it is watched meanwhile.
      await sleep(slowly.staleMs + 1_000);
      order.push('first ends');
    }, slowly);
    await untilHeld();
    const second = withLock(async () => void order.push('second'), slowly);
    await Promise.all([slow, second]);
    expect(order).toEqual(['first begins', 'first ends', 'second']);
  });

  test('is not brought back by a renewal that was under way at the end', async () => {
    const [renewing, begun] = signal();
    let inside = false;
    await bed.hook({ after: ['ssm:GetParametersByPath'] }, async () => {
      if (!inside) return undefined;
      inside = false;
      begun();
      await sleep(500);
      return undefined;
    });
    await withLock(
      () => {
        inside = true;
        return renewing;
      },
      { ...fast, renewEveryMs: 200, staleMs: 600_000 },
    );
    await expect.poll(puts, { timeout: 20_000 }).not.toHaveLength(1);
    expect(await locks()).toEqual([]);
  });

  test('is had however long the first answer takes', async () => {
    await slowLook(1, 2 * impatient.patienceMs);
    expect(await withLock(locks, impatient)).toEqual(['1 ours']);
  });

  test('is not stale because an answer was long on its way', async () => {
    await hold(1, elsewhere);
    await slowLook(2, 3_000);
    const refused = withLock(locks, { ...impatient, staleMs: 2_000, patienceMs: 0 });
    await expect(refused).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    expect(await locks()).toEqual(['1 theirs']);
  });

  test('has one winner when two take over the same dead one', async () => {
    await hold(1, { ...living, pid: await deadPid() });
    let inside = 0;
    const work = async (): Promise<string[]> => {
      inside += 1;
      const now = await locks();
      expect(inside).toBe(1);
      inside -= 1;
      return now;
    };
    const patient = { ...fast, patienceMs: 30_000, staleMs: 600_000 };
    const [a, b] = await Promise.all([withLock(work, patient), withLock(work, patient)]);
    expect([...a, ...b].every((lock) => lock.endsWith('ours'))).toBe(true);
    expect(await locks()).toEqual([]);
  });

  test('that was made too late, below that of another, is given up', async () => {
    await hold(2, living);
    let looks = 0;
    await bed.hook({ after: ['ssm:GetParametersByPath'] }, () => {
      looks += 1;
      return looks === 1 ? { output: { Parameters: [] } } : undefined;
    });
    await expect(withLock(locks, impatient)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    expect(await puts()).toHaveLength(1);
    expect(await locks()).toEqual(['2 theirs']);
  });

  test.each([
    ['the answer is lost after it was made', { kind: 'drop-after' }, 1],
    ['AWS answers 500', { kind: 'server-error' }, 2],
    ['AWS throttles', { kind: 'throttling' }, 2],
    ['the connection ends before it is made', { kind: 'drop-before' }, 2],
  ] as const)('is had when %s', async (_title, fault, asked) => {
    await bed.fault({ service: 'ssm', action: 'PutParameter', ...fault });
    expect(await withLock(locks, { ...fast, renewEveryMs: 600_000 })).toEqual(['1 ours']);
    expect(await puts()).toHaveLength(asked);
    expect(await locks()).toEqual([]);
  });

  test('that may not be made says so at once', async () => {
    await bed.fault({ service: 'ssm', action: 'PutParameter', kind: 'access-denied' });
    await expect(withLock(locks)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  test('is no longer waited for after Ctrl-C', async () => {
    await hold(1, living);
    const context = testContext();
    const waiting = withLock(locks, { ...impatient, lookEveryMs: 600_000, patienceMs: 600_000 }, context);
    const refused = expect(waiting).rejects.toThrow('stop');
    await expect.poll(() => context.events.length, { timeout: 20_000 }).toBeGreaterThan(0);
    context.cancel(new Error('stop'));
    await refused;
    expect(await locks()).toEqual(['1 theirs']);
  });

  test('with a text that nobody understands holds until it is stale', async () => {
    const input = { Name: `${path}/1`, Value: 'nonsense', Type: 'String' };
    await bed.aws({ service: 'ssm', action: 'PutParameter', input });
    expect(await withLock(locks)).toEqual(['2 ours']);
  });

  /** The nth look of the run is answered late. */
  async function slowLook(nth: number, lateMs: number): Promise<void> {
    let looks = 0;
    await bed.hook({ after: ['ssm:GetParametersByPath'] }, async () => {
      looks += 1;
      if (looks === nth) await sleep(lateMs);
      return undefined;
    });
  }

  const puts = async () => (await bed.requests()).filter(({ action }) => action === 'PutParameter');

  async function untilHeld(): Promise<void> {
    await expect.poll(locks, { timeout: 20_000 }).toHaveLength(1);
  }
});
