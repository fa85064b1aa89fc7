import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Bed, type BedOptions, type LoggedRequest, startBed } from '../bed/bed.ts';
import { type DataPlane, type DataPlaneOptions, startDataPlane } from '../bed/data-plane/data-plane.ts';
import { type CliResult, emptyFolder, repository, runCli } from './cli.ts';

/** AWS with everything behind it, and a generated project in front of it. */
export interface CloudBed {
  readonly bed: Bed;
  readonly plane: DataPlane;
  /** The project's folder. */
  readonly dir: string;
  readonly env: Record<string, string>;
  /** The built command line in the project's folder. */
  run(...args: string[]): Promise<CliResult>;
  /** Requests that changed something and were answered well, the run lock's left out: `rds:CreateDBInstance`. */
  changes(): Promise<string[]>;
}

export async function startCloudBed(
  options: {
    readonly bed?: BedOptions;
    readonly plane?: DataPlaneOptions;
    readonly language?: 'node' | 'python';
  } = {},
): Promise<CloudBed> {
  const bed = await startBed(options.bed);
  const plane = await startDataPlane(bed, options.plane);
  onTestFinished(async () => {
    await plane.stop();
    await bed.stop();
  });
  const env = { ...bed.environment, ...plane.environment };
  const cwd = await emptyFolder();
  const dir = join(cwd, 'shop');
  const made = await runCli(
    ['init', 'shop', '--yes', '--no-install', '--no-git', '--language', options.language ?? 'node'],
    { cwd, env },
  );
  if (made.exitCode !== 0) throw new Error(made.stderr);
  // A project's own packages are the repository's: installing them is another test's business.
  await symlink(join(repository, 'node_modules'), join(dir, 'node_modules'), 'junction');
  await symlink(join(repository, '.venv'), join(dir, '.venv'), 'junction');
  return {
    bed,
    plane,
    dir,
    env,
    run: (...args) => runCli(args, { cwd: dir, env }),
    changes: async () => (await bed.requests()).filter(isChange).map(nameOf),
  };
}

export const nameOf = ({ service, action }: LoggedRequest): string => `${service}:${action}`;

/** Neither a question nor the run lock. */
export const isChange = (request: LoggedRequest): boolean =>
  request.service !== 'ssm' &&
  (request.status ?? 0) < 400 &&
  !/^(Describe|List|Get|Invoke|Search|Simulate|AssumeRole)/.test(request.action);

/** How often each name stands in a list. */
export function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
