import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { ConnectionTarget } from '../../src/database/target.ts';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { UserError } from '../../src/errors.ts';
import type { LocalPostgres } from '../../src/local/postgres/local-postgres.ts';
import { createScratchDatabase, type ScratchDatabase } from '../../src/local/postgres/scratch-database.ts';
import { parseProjectName } from '../../src/project/names.ts';
import { type MigrateOptions, type MigrateResult, migrate } from '../../src/seed/migrate.ts';
import type { SchemaTarget } from '../../src/seed/schema-session.ts';
import { type SeededFile, type SeedOptions, type SeedResult, seed } from '../../src/seed/seed.ts';
import { makeTempDir, startTestPostgres, type TestContext, testContext } from '../postgres-server.ts';

/** One server for a test file; a database and a project folder of its own for each test. */
export class SchemaBed {
  context: TestContext = testContext();
  projectDir = '';
  target: SchemaTarget;
  app: ConnectionTarget;
  readonly #database: ScratchDatabase;

  constructor(database: ScratchDatabase, projectDir: string) {
    this.#database = database;
    this.projectDir = projectDir;
    this.target = { admin: database.admin, ownerRole: 'library_owner' };
    this.app = database.slots.a;
    this.context = testContext({ cwd: projectDir });
  }

  async write(path: string, content: string | Buffer): Promise<void> {
    const file = join(this.projectDir, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  read(path: string): Promise<string> {
    return readFile(join(this.projectDir, path), 'utf8');
  }

  remove(path: string): Promise<void> {
    return rm(join(this.projectDir, path));
  }

  migrate(overrides: Partial<MigrateOptions> = {}): Promise<MigrateResult> {
    const { target, projectDir } = this;
    return migrate(this.context, {
      target,
      projectDir,
      directory: 'migrations',
      dryRun: false,
      ...overrides,
    });
  }

  seed(overrides: Partial<SeedOptions> = {}): Promise<SeedResult> {
    const { target, projectDir } = this;
    const options = { target, projectDir, directory: 'seeds', truncate: false, dryRun: false, ...overrides };
    return seed(this.context, options);
  }

  /** Writes one seed, runs it alone, and tells what it did. */
  async seedFile(
    name: string,
    content: string | Buffer,
    overrides: Partial<SeedOptions> = {},
  ): Promise<SeededFile> {
    await this.write(`seeds/${name}`, content);
    const { files } = await this.seed({ files: [name], ...overrides });
    const [file] = files;
    if (file === undefined) throw new Error(`${name} was not seeded`);
    return file;
  }

  /** As the owner, like migrations. */
  async sql<Row extends object = Record<string, unknown>>(
    text: string,
    values: unknown[] = [],
  ): Promise<Row[]> {
    return this.as(async (client) => (await client.query<Row>(text, values)).rows);
  }

  /** Sees what other sessions do. */
  async adminSql<Row extends object = Record<string, unknown>>(text: string): Promise<Row[]> {
    return withClient(
      this.target.admin,
      { applicationName: 'test' },
      async (client) => (await client.query<Row>(text)).rows,
    );
  }

  as<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return withClient(this.target.admin, { applicationName: 'test' }, async (client) => {
      await client.query('SET ROLE library_owner');
      return work(client);
    });
  }

  events(type: string) {
    return this.context.events.filter((event) => event.type === type);
  }

  async cleanUp(): Promise<void> {
    await this.#database.drop();
    await rm(this.projectDir, { recursive: true, force: true });
  }
}

/** Call at the top of a test file; the returned function gives the current test's bed. */
export function useSchemaBed(): () => SchemaBed {
  let server: { local: LocalPostgres; cleanUp(): Promise<void> } | undefined;
  let bed: SchemaBed | undefined;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(async () => {
    await server?.cleanUp();
  });
  beforeEach(async () => {
    if (server === undefined) throw new Error('the server is not running');
    const database = await createScratchDatabase(server.local, parseProjectName('library'));
    bed = new SchemaBed(database, await makeTempDir());
  });
  afterEach(async () => {
    await bed?.cleanUp();
  });
  return () => {
    if (bed === undefined) throw new Error('call this inside a test');
    return bed;
  };
}

/** The UserError that `work` ends in. */
export async function catchUserError(work: Promise<unknown>): Promise<UserError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** Asks until it holds; the test's own timeout ends it. For what another process does, which tells nobody. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'AssertionError') throw error;
      await sleep(20);
    }
  }
}
