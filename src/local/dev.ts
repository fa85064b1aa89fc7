import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Context, Report } from '../context.ts';
import { exitCodes, UserError } from '../errors.ts';
import type { Project } from '../project/find-project.ts';
import { migrate } from '../seed/migrate.ts';
import { seed } from '../seed/seed.ts';
import { startConnectionCounter } from './connection-count.ts';
import { announceDev } from './dev-address.ts';
import { buildFunctions, serveFunctions } from './dev-functions.ts';
import {
  type DatabaseChoice,
  openProjectDatabase,
  type ProjectDatabase,
  useScratchDatabase,
} from './project-database.ts';
import { defaultProxyConnections, useProxy } from './proxy/project-proxy.ts';

export interface DevOptions {
  readonly project: Project;
  readonly database: DatabaseChoice;
  /** HTTP port to prefer; 0 for any. The next free one is taken when it is busy. */
  readonly port: number;
  /** Most execution environments of all functions together. */
  readonly concurrency?: number;
  /** Puts the local RDS Proxy between functions and database, with at most so many connections to it. */
  readonly proxyConnections?: number;
  /** A new database, migrated and seeded, dropped at the end: for tests. */
  readonly scratch: boolean;
  /** Aborted by a second Ctrl-C: every child is killed at once. */
  readonly killSignal: AbortSignal;
}

/** From the flags of `lambdapg dev`; with a command to run beside it, the data is scratch and the port any. */
export function parseServing(
  flags: {
    readonly port?: number | undefined;
    readonly concurrency?: number | undefined;
    readonly proxy: boolean;
    readonly 'proxy-connections'?: number | undefined;
  },
  hasCommand: boolean,
): Pick<DevOptions, 'port' | 'concurrency' | 'proxyConnections' | 'scratch'> {
  const { port = hasCommand ? 0 : 3000, concurrency, proxy, 'proxy-connections': connections } = flags;
  const proxyConnections = connections ?? (proxy ? defaultProxyConnections : undefined);
  return {
    port,
    ...(concurrency !== undefined && { concurrency }),
    ...(proxyConnections !== undefined && { proxyConnections }),
    scratch: hasCommand,
  };
}

/** A project that is being served. */
export interface Dev {
  readonly url: string;
  readonly database: ProjectDatabase;
  stop(): Promise<void>;
}

/**
 * Serves a project on this computer: its database, migrated; its data, when the database is new; its functions over HTTP,
 * reloaded when a source is saved. Reports `ready` with the URL at the end.
 *
 * @throws UserError from any of its parts; what was started until then is stopped
 */
export async function startDev(context: Context, options: DevOptions): Promise<Dev> {
  const started = Date.now();
  const closers: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const building = buildFunctions(context, options.project);
    // A build that fails while the database starts is thrown where it is awaited.
    building.catch(() => {});
    const database = await openDatabase(context, options, closers);
    await prepareSchema(context, options, database);
    const counter = startConnectionCounter(database.admin, [database.app.user]);
    closers.push(() => counter.stop());
    const counted = { ...context, report: countConnections(context.report, counter.count) };
    const serving = { ...options, watch: !options.scratch };
    const reached = await openWay(context, options, database, closers);
    const functions = await serveFunctions(counted, options.project, await building, reached, serving);
    closers.push(() => functions.stop());
    options.killSignal.addEventListener('abort', () => functions.kill());
    const { url } = functions;
    if (!options.scratch) closers.push(await announceDev(options.project.dir, url));
    const ms = Date.now() - started;
    context.report({ type: 'ready', message: `ready in ${ms} ms: ${url}`, url, ms });
    return { url, database, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openDatabase(
  context: Context,
  { project, database: choice, scratch, killSignal }: DevOptions,
  closers: (() => Promise<void>)[],
): Promise<ProjectDatabase> {
  if (scratch && choice.url !== undefined) throw noScratch();
  const database = await openProjectDatabase(context, project, choice);
  closers.push(() => database.stop());
  killSignal.addEventListener('abort', () => database.kill());
  if (database.local === undefined) context.report({ type: 'database', message: database.title });
  if (!scratch || database.local === undefined) return database;
  const scratched = await useScratchDatabase(database, database.local, project);
  closers.push(() => scratched.stop());
  return scratched;
}

/** How the functions reach the database: straight, or through the proxy. */
async function openWay(
  context: Context,
  { proxyConnections }: DevOptions,
  database: ProjectDatabase,
  closers: (() => Promise<void>)[],
): Promise<ProjectDatabase> {
  if (proxyConnections === undefined) return database;
  const proxied = await useProxy(context, database, proxyConnections);
  closers.push(() => proxied.proxy.stop());
  return proxied.database;
}

/** What a command writes must not go to a server that somebody else relies on. */
function noScratch(): UserError {
  return new UserError(
    'NO_SCRATCH_DATABASE',
    'a command runs on a scratch database, which a --database-url has not',
    {
      exit: exitCodes.usage,
      suggestions: [
        'leave --database-url out and LAMBDAPG_DATABASE_URL unset: the project has its own server',
      ],
    },
  );
}

/** A server that is not ours is left as it is: `lambdapg migrate --database-url` says so out loud. */
async function prepareSchema(
  context: Context,
  { project, scratch }: DevOptions,
  database: ProjectDatabase,
): Promise<void> {
  const { local, admin, ownerRole } = database;
  if (local === undefined) return;
  const target = { admin, ...(ownerRole !== undefined && { ownerRole }) };
  const common = { target, projectDir: project.dir, dryRun: false };
  await migrate(context, { ...common, directory: 'migrations' });
  const seeded = join(dirname(local.dataDir), 'seeded');
  if (!scratch && existsSync(seeded)) return;
  await seed(context, { ...common, directory: 'seeds', truncate: false });
  if (!scratch) await writeFile(seeded, '');
}

function countConnections(report: Report, count: () => Promise<number | undefined>): Report {
  return (event) => {
    if (event.type !== 'request') return report(event);
    void count().then((connections) => {
      const shown =
        connections === undefined ? '' : `  ${connections} connection${connections === 1 ? '' : 's'}`;
      report({ ...event, message: `${event.message}${shown}`, connections });
    });
  };
}
