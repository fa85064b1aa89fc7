import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { execa } from '../../src/exec.ts';
import { type LocalPostgres, startLocalPostgres } from '../../src/local/postgres/local-postgres.ts';
import { parseProjectName } from '../../src/project/names.ts';
import { migrate } from '../../src/seed/migrate.ts';
import { seed } from '../../src/seed/seed.ts';
import { testContext } from '../postgres-server.ts';
import { type Measure, plainEnvironment, startMeasure } from './measure.ts';
import type { Row } from './table.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const builtCli = join(repository, 'bin/run.js');

/** One part of the suite; `npm run bench -- <name>` runs it alone. */
export interface Benchmark {
  readonly name: string;
  /** How it is measured, for docs/benchmarks.md. */
  readonly method: string;
  measure(bed: Bed): Promise<readonly Row[]>;
}

/** What the benchmarks share. */
export interface Bed {
  /** An empty folder, gone at the end. */
  readonly folder: string;
  readonly measure: Measure;
  /** Absolute: a generated, installed Node project that nothing serves. Made at the first call. */
  project(): Promise<string>;
  close(): Promise<void>;
}

export async function makeBed(): Promise<Bed> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lambdapg-bench-')));
  const measure = startMeasure();
  let project: Promise<string> | undefined;
  return {
    folder,
    measure,
    project() {
      project ??= makeProject(folder);
      return project;
    },
    async close() {
      await measure.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const projectName = 'my-api';
/** The role that owns what the project's migrations make. */
export const ownerRole = 'my_api_owner';

async function makeProject(folder: string): Promise<string> {
  await execa(process.execPath, [builtCli, 'init', projectName, '--yes', '--no-git'], {
    cwd: folder,
    env: plainEnvironment(),
    extendEnv: false,
  });
  return join(folder, projectName);
}

/** Starts (or adopts) the project's own PostgreSQL and lends it. */
export async function withServer<T>(
  projectDir: string,
  work: (local: LocalPostgres) => Promise<T>,
): Promise<T> {
  const names = parseProjectName(projectName);
  const local = await startLocalPostgres(testContext(), { projectDir, names, major: 17 });
  try {
    return await work(local);
  } finally {
    await local.stop();
  }
}

/** The same with the project's schema and seeds in it. */
export function withLibrary<T>(projectDir: string, work: (local: LocalPostgres) => Promise<T>): Promise<T> {
  return withServer(projectDir, async (local) => {
    const target = { admin: local.admin, ownerRole };
    await migrate(testContext(), { target, projectDir, directory: 'migrations', dryRun: false });
    await seed(testContext(), { target, projectDir, directory: 'seeds', truncate: false, dryRun: false });
    return work(local);
  });
}

/** Bundles a script of `peers/` with its packages into one file. @returns its path */
export async function bundlePeer(bed: Bed, name: string): Promise<string> {
  const outfile = join(bed.folder, `${name}.mjs`);
  await build({
    entryPoints: [join(repository, 'test/bench/peers', `${name}.ts`)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['pg-native'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  return outfile;
}
