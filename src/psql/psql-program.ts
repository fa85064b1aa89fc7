import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { libpqAuthorities, libpqEnvironment } from '../database/libpq-environment.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { UserError } from '../errors.ts';
import { execa } from '../exec.ts';

export interface PsqlSession {
  readonly target: ConnectionTarget;
  /** Taken after the login. */
  readonly role?: string;
}

/**
 * PostgreSQL's own `psql` on this terminal, until the person leaves it. The password is in the child's environment, the
 * authorities in a file that is gone afterwards.
 *
 * @returns psql's exit code
 * @throws UserError PSQL_MISSING
 */
export async function runPsqlProgram(context: Context, { target, role }: PsqlSession): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'lambdapg-psql-'));
  try {
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, libpqAuthorities(target));
    const variables = await libpqEnvironment(target, {
      applicationName: 'lambdapg psql',
      caFile,
      ...(role !== undefined && { role }),
    });
    const result = await execa('psql', ['--no-password'], {
      stdio: 'inherit',
      env: { ...withoutLibpq(context.env), ...variables },
      extendEnv: false,
      reject: false,
    });
    if (result.code === 'ENOENT') throw psqlMissing();
    return result.exitCode ?? 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A service file, a client certificate or options of the person's own would lead elsewhere. */
function withoutLibpq(env: Context['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !/^PG/i.test(entry[0]),
    ),
  );
}

function psqlMissing(): UserError {
  return new UserError('PSQL_MISSING', 'there is no psql on this computer, and only psql is interactive', {
    suggestions: [
      'lambdapg psql -c "SELECT …", or -f file.sql: these need no psql',
      "install PostgreSQL's client: apt install postgresql-client, brew install libpq",
    ],
  });
}
