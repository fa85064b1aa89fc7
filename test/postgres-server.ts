import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context, ReportEvent } from '../src/context.ts';
import {
  type LocalPostgres,
  type LocalPostgresOptions,
  startLocalPostgres,
} from '../src/local/postgres/local-postgres.ts';
import { parseProjectName } from '../src/project/names.ts';

const packageDir = fileURLToPath(new URL('..', import.meta.url));

/** Shared by all tests, so that each server version is downloaded once. */
export const testCacheDir = join(packageDir, 'node_modules', '.cache', 'lambdapg');

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

/** npm needs the machine's proxy and CA settings; a person's own choices for lambdapg are left out. */
function inheritedEnv(): Context['env'] {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => !/^(LAMBDAPG_|SUDO_)/.test(name)));
}

/** An empty folder of its own, under its real name. */
export async function makeTempDir(prefix = 'lambdapg-test-'): Promise<string> {
  return realpath(await mkdtemp(join(tmpdir(), prefix)));
}

export interface TestPostgresOptions extends Partial<Omit<LocalPostgresOptions, 'names'>> {
  /** The project's name in kebab case. */
  readonly name?: string;
  readonly context?: Context;
}

/** A real server in a folder of its own, on any free port. `cleanUp` stops it and removes the folder. */
export async function startTestPostgres(
  options: TestPostgresOptions = {},
): Promise<{ local: LocalPostgres; projectDir: string; cleanUp(): Promise<void> }> {
  const { name = 'library', context = testContext(), ...rest } = options;
  const projectDir = options.projectDir ?? (await makeTempDir());
  await mkdir(projectDir, { recursive: true });
  const local = await startLocalPostgres(context, {
    major: 17,
    preferredPort: 0,
    ...rest,
    projectDir,
    names: parseProjectName(name),
  });
  return {
    local,
    projectDir,
    async cleanUp() {
      await local.stop();
      await rm(projectDir, { recursive: true, force: true });
    },
  };
}
