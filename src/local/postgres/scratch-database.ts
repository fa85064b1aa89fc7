import { randomBytes } from 'node:crypto';
import { quoteIdentifier } from '../../database/identifier.ts';
import { ensureDatabaseGrants } from '../../database/roles.ts';
import type { ConnectionTarget } from '../../database/target.ts';
import { withClient } from '../../database/with-client.ts';
import type { ProjectNames } from '../../project/names.ts';
import type { LocalPostgres } from './local-postgres.ts';
import { isRunning } from './process-identity.ts';

/** An empty database for one test run, with the project's roles and rights. */
export interface ScratchDatabase {
  readonly admin: ConnectionTarget;
  readonly slots: { readonly a: ConnectionTarget; readonly b: ConnectionTarget };
  /** Ends its sessions and removes it. Safe to repeat. */
  drop(): Promise<void>;
}

const applicationName = 'lambdapg test';

/** Makes a database beside the project's own. Those of runs that crashed are dropped on the way. */
export async function createScratchDatabase(
  local: LocalPostgres,
  names: ProjectNames,
): Promise<ScratchDatabase> {
  // At most 40 + 9 + 7 + 1 + 6 = 63 bytes, PostgreSQL's limit.
  const prefix = `${names.snake}_scratch_`;
  const database = `${prefix}${process.pid}_${randomBytes(3).toString('hex')}`;
  await withClient(local.admin, { applicationName }, async (client) => {
    const { rows } = await client.query<{ datname: string }>({
      text: 'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      values: [prefix],
    });
    for (const { datname } of rows) {
      const pid = Number.parseInt(datname.slice(prefix.length), 10);
      if (!isRunning({ pid })) await client.query(dropText(datname));
    }
    await client.query(`CREATE DATABASE ${quoteIdentifier(database)}`);
  });
  const admin = { ...local.admin, database };
  await withClient(admin, { applicationName }, (client) => ensureDatabaseGrants(client, names));
  return {
    admin,
    slots: { a: { ...local.slots.a, database }, b: { ...local.slots.b, database } },
    drop: () =>
      withClient(local.admin, { applicationName }, async (client) => {
        await client.query(dropText(database));
      }),
  };
}

function dropText(database: string): string {
  return `DROP DATABASE IF EXISTS ${quoteIdentifier(database)} WITH (FORCE)`;
}
