import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { parseDatabaseUrl } from '../database/database-url.ts';
import type { ConnectionTarget } from '../database/target.ts';
import type { Project } from '../project/find-project.ts';
import type { PostgresMajor } from '../project/postgres-packages.ts';
import { Secret } from '../secret.ts';
import { keepRunning } from './keep-running.ts';
import { type LocalPostgres, startLocalPostgres } from './postgres/local-postgres.ts';
import { resetLocalPostgres } from './postgres/reset-local-postgres.ts';
import { createScratchDatabase } from './postgres/scratch-database.ts';

/** The database that a command works on, with its ways in. */
export interface ProjectDatabase {
  /** For migrations and seeds. */
  readonly admin: ConnectionTarget;
  /** What everything made by migrations belongs to; absent on a server that is not ours. */
  readonly ownerRole?: string;
  /** What the functions log in as. */
  readonly app: ConnectionTarget;
  /** PEM file of the authority to trust; absent when the server's certificate is publicly signed, or there is no TLS. */
  readonly caFile?: string;
  /** `PostgreSQL 17.10 on localhost:54320`. */
  readonly title: string;
  /** Our own server, when it is one. */
  readonly local?: LocalPostgres;
  stop(): Promise<void>;
  kill(): void;
}

export interface DatabaseChoice {
  /** Another server by its URL; the project's own embedded one when absent. */
  readonly url?: Secret;
  readonly major?: PostgresMajor;
  /** The embedded server's preferred port. */
  readonly port?: number;
}

/** From the values of `databaseFlags`. */
export function parseDatabaseChoice(flags: {
  readonly 'database-url'?: string | undefined;
  readonly 'pg-version'?: string | undefined;
  readonly 'pg-port'?: number | undefined;
}): DatabaseChoice {
  const { 'database-url': url, 'pg-version': major, 'pg-port': port } = flags;
  return {
    ...(url !== undefined && { url: new Secret(url) }),
    ...(major !== undefined && { major: Number(major) as PostgresMajor }),
    ...(port !== undefined && { port }),
  };
}

/**
 * Opens the project's database: its own embedded server (started, or adopted when it runs already), or the server that a
 * URL names. On the latter no roles are made: migrations and functions both use the URL's login.
 */
export async function openProjectDatabase(
  context: Context,
  project: Project,
  choice: DatabaseChoice,
): Promise<ProjectDatabase> {
  if (choice.url !== undefined) return foreignDatabase(project, await parseDatabaseUrl(choice.url));
  const kept = await keepRunning(context, (port = choice.port) =>
    startLocalPostgres(context, {
      projectDir: project.dir,
      names: project.names,
      major: choice.major ?? project.config.postgres.version,
      ...(port !== undefined && { preferredPort: port }),
    }),
  );
  const local = kept.server;
  return {
    admin: local.admin,
    ownerRole: `${project.names.snake}_owner`,
    app: local.slots.a,
    caFile: local.caFile,
    title: `PostgreSQL ${local.version} on ${local.host}:${local.port}`,
    local,
    stop: kept.stop,
    kill: kept.kill,
  };
}

/** Opens, lends, and closes whatever happens. */
export async function withProjectDatabase<T>(
  context: Context,
  project: Project,
  choice: DatabaseChoice,
  work: (database: ProjectDatabase) => Promise<T>,
): Promise<T> {
  const database = await openProjectDatabase(context, project, choice);
  try {
    return await work(database);
  } finally {
    await database.stop();
  }
}

/** A new database on the project's own server, with the same roles; `stop` drops it and leaves the server to its owner. */
export async function useScratchDatabase(
  database: ProjectDatabase,
  local: LocalPostgres,
  project: Project,
): Promise<ProjectDatabase> {
  const scratch = await createScratchDatabase(local, project.names);
  return { ...database, admin: scratch.admin, app: scratch.slots.a, stop: () => scratch.drop() };
}

async function foreignDatabase(project: Project, target: ConnectionTarget): Promise<ProjectDatabase> {
  const caFile =
    target.tls !== false && target.tls.ca !== undefined
      ? await writeAuthority(project, target.tls.ca)
      : undefined;
  return {
    admin: target,
    app: target,
    ...(caFile !== undefined && { caFile }),
    title: `${target.database} on ${target.host}:${target.port}`,
    stop: async () => {},
    kill: () => {},
  };
}

/** Functions read their authority from a file, wherever the URL had it from. */
async function writeAuthority(project: Project, pem: string): Promise<string> {
  const folder = join(project.dir, '.lambdapg');
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'database-url-ca.pem');
  await writeFile(file, pem);
  return file;
}

/** @throws UserError when another process uses the data */
export async function resetProjectDatabase(
  context: Context,
  project: Project,
  choice: DatabaseChoice,
): Promise<void> {
  await resetLocalPostgres(context, {
    projectDir: project.dir,
    major: choice.major ?? project.config.postgres.version,
  });
}
