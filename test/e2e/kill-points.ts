import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import type { HookCall, LoggedRequest } from '../bed/bed.ts';
import { built, plainEnvironment } from './cli.ts';
import { type CloudBed, isChange, nameOf } from './cloud-bed.ts';
import { describeWorld, type WorldDescription } from './describe-world.ts';

/** Where a run is killed: when the `nth` call of that name has had its effect, and before its answer is heard. */
export interface KillPoint {
  readonly call: string;
  readonly nth: number;
}

/** The lock's taking and release are effects as well. */
const isEffect = (request: LoggedRequest): boolean =>
  isChange(request) || (request.service === 'ssm' && /^(Put|Delete)/.test(request.action));

/** All points of the runs that a bed has logged. */
export async function killPoints({ bed }: CloudBed): Promise<KillPoint[]> {
  const seen = new Map<string, number>();
  return (await bed.requests()).filter(isEffect).map((request) => {
    const call = nameOf(request);
    const nth = (seen.get(call) ?? 0) + 1;
    seen.set(call, nth);
    return { call, nth };
  });
}

/** Runs a command and kills it, with all that it started, at `point`. @returns whether it came that far */
export async function killAt(cloud: CloudBed, args: readonly string[], point: KillPoint): Promise<boolean> {
  let seen = 0;
  return killWhen(cloud, args, [point.call], () => {
    seen += 1;
    return seen === point.nth;
  });
}

/** Runs a command and presses Ctrl-C at `point`. @returns its exit code, null when a signal ended it */
export async function interruptAt(
  { bed, dir, env }: CloudBed,
  args: readonly string[],
  { call, nth }: KillPoint,
): Promise<number | null> {
  let seen = 0;
  let child: ChildProcess | undefined;
  const unhook = await bed.hook({ after: [call] }, async () => {
    seen += 1;
    if (seen === nth) process.kill(-(child?.pid ?? 0), 'SIGINT');
    return undefined;
  });
  child = start(args, dir, env);
  const [code] = (await once(child, 'exit')) as [number | null];
  await unhook();
  expect(seen, `${call} was never answered`).toBeGreaterThanOrEqual(nth);
  return code;
}

const start = (args: readonly string[], cwd: string, env: Record<string, string>) =>
  spawn(process.execPath, [built, ...args], {
    ...{ cwd, stdio: 'ignore', detached: true },
    env: { ...plainEnvironment(), ...env },
  });

/**
 * Runs a command and kills it after its first effect of these names that is not in `known`, which then holds it: what is asked for
 * again, in vain, does not count.
 *
 * @returns false when it has come to its end
 */
export const killAtNew = (
  cloud: CloudBed,
  args: readonly string[],
  calls: readonly string[],
  known: Set<string>,
): Promise<boolean> =>
  killWhen(cloud, args, calls, ({ action, input }) => {
    const effect = `${action} ${JSON.stringify(input)}`;
    const isNew = !known.has(effect);
    known.add(effect);
    return isNew;
  });

async function killWhen(
  { bed, dir, env }: CloudBed,
  args: readonly string[],
  calls: readonly string[],
  isTime: (call: HookCall) => boolean,
): Promise<boolean> {
  let kill: () => Promise<unknown> = async () => {};
  // The answer is held until the handler is done.
  const unhook = await bed.hook({ after: calls }, async (call) => {
    if (isTime(call)) await kill();
    return undefined;
  });
  const child = start(args, dir, env);
  const ended = once(child, 'exit');
  kill = async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
  };
  const [, signal] = (await ended) as [number | null, string | null];
  await unhook();
  return signal === 'SIGKILL';
}

/** Runs a command to its end, well. @returns what it prints as JSON */
export async function complete(cloud: CloudBed, ...args: string[]): Promise<unknown> {
  const result = await cloud.run(...args, '--json');
  expect(result.exitCode, `${args.join(' ')}: ${result.stdout}${result.stderr}`).toBe(0);
  return result.json();
}

/** A last run finds nothing to do, and does nothing. */
export async function verifyDone(cloud: CloudBed, ...args: string[]): Promise<void> {
  await cloud.bed.clearRequests();
  await complete(cloud, ...args);
  expect((await cloud.bed.requests()).filter(isEffect).map(nameOf)).toEqual([]);
}

/**
 * A run that was killed between its last effect and its lock's release leaves the lock: the next run has nothing to do and takes
 * none. It is dead, and goes with the next change or with destroy.
 */
export async function describeStage({ bed }: CloudBed): Promise<WorldDescription> {
  const { Parameters, ...stage } = await describeWorld(bed);
  expect(Parameters?.length).toBeLessThanOrEqual(1);
  return stage;
}
