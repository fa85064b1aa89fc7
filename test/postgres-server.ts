import { createHash, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context, ReportEvent } from '../src/context.ts';
import { clusterPaths, pathsIn, prepareStateDir } from '../src/local/postgres/cluster-paths.ts';
import { createCluster } from '../src/local/postgres/create-cluster.ts';
import { withFileLock } from '../src/local/postgres/file-lock.ts';
import { findServer } from '../src/local/postgres/find-server.ts';
import {
  type LocalPostgres,
  type LocalPostgresOptions,
  startLocalPostgres,
} from '../src/local/postgres/local-postgres.ts';
import { placeBinaries } from '../src/local/postgres/reachable-place.ts';
import { chooseRunAs } from '../src/local/postgres/run-as.ts';
import { parseProjectName } from '../src/project/names.ts';
import type { PostgresMajor } from '../src/project/postgres-packages.ts';

const packageDir = fileURLToPath(new URL('..', import.meta.url));

/** Shared by all tests, so that each server version is downloaded once; `npm ci` spares it. */
export const testCacheDir = join(packageDir, '.cache', 'lambdapg');

/** A context that collects its events; `cancel` is a Ctrl-C. */
export interface TestContext extends Context {
  readonly events: ReportEvent[];
  cancel(reason: Error): void;
}

export function testContext(overrides: Partial<Context> = {}): TestContext {
  const events: ReportEvent[] = [];
  const controller = new AbortController();
  return {
    cwd: packageDir,
    signal: controller.signal,
    report: (event) => events.push(event),
    packageDir,
    version: '0.0.0',
    ...overrides,
    env: { ...inheritedEnv(), LAMBDAPG_CACHE_DIR: testCacheDir, ...overrides.env },
    events,
    cancel: (reason) => controller.abort(reason),
  };
}

let inherited: Context['env'] | undefined;

/**
 * npm needs the machine's proxy and CA settings; a person's own choices for lambdapg are left out. Read once: Node asks the
 * system for each variable, and there are tests that make thousands of contexts.
 */
function inheritedEnv(): Context['env'] {
  inherited ??= Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(LAMBDAPG_|SUDO_)/.test(name)),
  );
  return inherited;
}

/** An empty folder of its own, under its real name. */
export async function makeTempDir(prefix = 'lambdapg-test-'): Promise<string> {
  return realpath(await mkdtemp(join(tmpdir(), prefix)));
}

export interface TestPostgresOptions extends Partial<Omit<LocalPostgresOptions, 'names'>> {
  /** The project's name in kebab case. */
  readonly name?: string;
  readonly context?: Context;
  /** True for a real initdb; else a fresh cluster is copied, which costs a busy machine a tenth of the time. */
  readonly initdb?: boolean;
}

/** A real server in a folder of its own, on any free port. `cleanUp` stops it and removes the folder. */
export async function startTestPostgres(
  options: TestPostgresOptions = {},
): Promise<{ local: LocalPostgres; projectDir: string; cleanUp(): Promise<void> }> {
  const { name = 'library', context = testContext(), initdb = false, major = 17, ...rest } = options;
  // Only a crash of the whole computer would need it.
  const settings = { fsync: 'off', ...options.settings };
  const projectDir = options.projectDir ?? (await makeTempDir());
  await mkdir(projectDir, { recursive: true });
  if (!initdb) await copyFreshCluster(projectDir, major);
  const names = parseProjectName(name);
  const local = await startLocalPostgres(context, {
    preferredPort: 0,
    ...rest,
    settings,
    major,
    projectDir,
    names,
  });
  // A test that failed half-way leaves no server either.
  const kill = () => local.kill();
  process.once('exit', kill);
  return {
    local,
    projectDir,
    async cleanUp() {
      process.off('exit', kill);
      await local.stop();
      await rm(projectDir, { recursive: true, force: true });
    },
  };
}

/**
 * A port that is still there when its server was stopped: the system gives those from 32768 on to whoever asks for any.
 */
export const lastingPort = (): number => randomInt(20_000, 32_000);

/** Puts a cluster on which no server ever ran into the project, unless it has one. */
export async function copyFreshCluster(projectDir: string, major: PostgresMajor): Promise<void> {
  const paths = clusterPaths(projectDir, major);
  if (existsSync(paths.clusterDir)) return;
  const fresh = await makeFreshCluster(major);
  await prepareStateDir(paths);
  await cp(fresh, paths.clusterDir, { recursive: true });
}

/** A cluster to copy, and never to start: one per major and per state of the code that makes them. */
export async function makeFreshCluster(major: PostgresMajor): Promise<string> {
  const source = await readFile(join(packageDir, 'src/local/postgres/create-cluster.ts'), 'utf8');
  const key = createHash('sha256').update(`${source} ${process.getuid?.()}`).digest('hex').slice(0, 12);
  const stateDir = join(testCacheDir, 'clusters');
  const paths = { stateDir, ...pathsIn(join(stateDir, `${major}-${key}`)) };
  const context = testContext();
  await mkdir(stateDir, { recursive: true });
  await withFileLock(context, paths.lockFile, async () => {
    if (existsSync(paths.clusterDir)) return;
    const binaries = await findServer(context, packageDir, major);
    const runAs = await chooseRunAs(context);
    await createCluster(context, paths, await placeBinaries(binaries, runAs), runAs);
  });
  return paths.clusterDir;
}
