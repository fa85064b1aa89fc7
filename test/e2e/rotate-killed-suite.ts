import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { built, plainEnvironment } from './cli.ts';
import { type RotationBed, shortTimes } from './rotation-bed.ts';

/** A generator of numbers from 0 to 1 that gives the same ones for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Begins a rotation and kills it after that time. @returns whether it was still at work */
async function rotateAndKill({ cloud }: RotationBed, afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [built, 'rotate-creds', '--yes', ...shortTimes, '--json'], {
    ...{ cwd: cloud.dir, stdio: 'ignore', detached: true },
    env: { ...plainEnvironment(), ...cloud.env },
  });
  const ended = once(child, 'exit');
  await Promise.race([ended, pause(afterMs)]);
  const isAtWork = child.exitCode === null && child.signalCode === null;
  if (isAtWork) process.kill(-(child.pid ?? 0), 'SIGKILL');
  await ended;
  return isAtWork;
}

/**
 * Rotates so many times, each killed at a random moment and resumed. At each moment AWSCURRENT logs in; at the end of each a
 * second `--resume` finds nothing to do.
 *
 * @param longestMs a rotation takes about so long from its start
 * @returns how many were killed at work
 */
export async function killAndResume(
  bed: RotationBed,
  times: number,
  { seed, longestMs }: { readonly seed: number; readonly longestMs: number },
): Promise<number> {
  const random = randomNumbers(seed);
  let killed = 0;
  for (let turn = 1; turn <= times; turn += 1) {
    const afterMs = Math.round(random() * longestMs);
    const title = `turn ${turn} of seed ${seed}, killed after ${afterMs} ms`;
    if (await rotateAndKill(bed, afterMs)) killed += 1;
    expect((await bed.login()).refusal, title).toBe('');
    const { exitCode, output } = await bed.rotate('--resume');
    expect({ exitCode, outcome: output.outcome }, `${title}: ${JSON.stringify(output)}`).toEqual({
      ...{ exitCode: 0, outcome: 'closed' },
    });
    expect((await bed.login()).refusal, title).toBe('');
    if (turn % 5 !== 0) continue;
    const again = await bed.rotate('--resume');
    expect(again.output.effects, `${title}, resumed again`).toEqual([]);
  }
  return killed;
}
