import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Bed, type BedOptions, type LoggedRequest, startBed } from '../bed/bed.ts';
import { type DataPlane, type DataPlaneOptions, startDataPlane } from '../bed/data-plane/data-plane.ts';
import { type CliResult, repository, runCli } from './cli.ts';

/** AWS with everything behind it, and a generated project in front of it. */
export interface CloudBed {
  readonly bed: Bed;
  readonly plane: DataPlane;
  /** The project's folder. */
  readonly dir: string;
  readonly env: Record<string, string>;
  /** The built command line in the project's folder; an object adds to its environment. */
  run(...args: (string | { readonly env: Record<string, string> })[]): Promise<CliResult>;
  /** Requests that changed something and were answered well, the run lock's left out: `rds:CreateDBInstance`. */
  changes(): Promise<string[]>;
}

export interface CloudBedOptions {
  readonly bed?: BedOptions;
  readonly plane?: DataPlaneOptions;
  readonly language?: 'node' | 'python';
}

/** For the present test. */
export async function startCloudBed(options: CloudBedOptions = {}): Promise<CloudBed> {
  const { stop, ...cloud } = await openCloudBed(options);
  onTestFinished(stop);
  return cloud;
}

/** For as long as `work` takes, in and out of tests. */
export async function withCloudBed<T>(
  work: (cloud: CloudBed) => Promise<T>,
  options: CloudBedOptions = {},
): Promise<T> {
  const cloud = await openCloudBed(options);
  try {
    return await work(cloud);
  } finally {
    await cloud.stop();
  }
}

/** For as long as the caller wants: hooks of a whole file. */
export async function openCloudBed(
  options: CloudBedOptions = {},
): Promise<CloudBed & { readonly stop: () => Promise<void> }> {
  const bed = await startBed(options.bed);
  const plane = await startDataPlane(bed, options.plane);
  const env = { ...bed.environment, ...plane.environment };
  const cwd = await mkdtemp(join(tmpdir(), 'lambdapg-e2e-'));
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
    run: (...args) => {
      const words = args.filter((arg) => typeof arg === 'string');
      const more = args.filter((arg) => typeof arg !== 'string').map((arg) => arg.env);
      return runCli(words, { cwd: dir, env: Object.assign({}, env, ...more) });
    },
    changes: async () => (await bed.requests()).filter(isChange).map(nameOf),
    async stop() {
      await plane.stop();
      await rm(cwd, { recursive: true, force: true });
      await bed.stop();
    },
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
