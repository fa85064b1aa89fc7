import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { execa } from '../../exec.ts';
import type { PostgresMajor } from '../../project/postgres-packages.ts';
import type { Machine } from './machine.ts';
import type { ServerBinaries } from './server-binaries.ts';

/** The major version of the `postgres` in `binDir`, or what is wrong with it. */
export async function readServerVersion(binDir: string): Promise<{ major: number } | { fault: string }> {
  for (const name of ['initdb', 'postgres']) {
    const { exitCode, stdout, stderr, code } = await execa(join(binDir, name), ['--version'], {
      reject: false,
    });
    if (code === 'ENOENT') return { fault: `there is no "${name}" in it` };
    if (code !== undefined) return { fault: `"${name}" in it cannot be run (${code})` };
    const major = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
    if (exitCode !== 0 || major === undefined) {
      return { fault: `"${name} --version" failed: ${(stderr || stdout).trim().split('\n')[0] ?? ''}` };
    }
    if (name === 'postgres') return { major: Number(major) };
  }
  throw new Error('unreachable: the last name is postgres');
}

/** An installed server of that major version, or undefined. */
export async function findSystemServer(
  context: Context,
  major: PostgresMajor,
  machine: Machine,
): Promise<ServerBinaries | undefined> {
  const advertised = await askPgConfig(context);
  for (const binDir of [...usualPlaces(major, machine.platform, context.env), ...advertised]) {
    const found = await readServerVersion(binDir);
    if ('major' in found && found.major === major) return { major, binDir, origin: 'system' };
  }
  return undefined;
}

function usualPlaces(major: PostgresMajor, platform: NodeJS.Platform, env: Context['env']): string[] {
  switch (platform) {
    case 'darwin':
      return [
        `/opt/homebrew/opt/postgresql@${major}/bin`,
        `/usr/local/opt/postgresql@${major}/bin`,
        `/Applications/Postgres.app/Contents/Versions/${major}/bin`,
        `/Library/PostgreSQL/${major}/bin`,
      ];
    case 'win32':
      return [join(env.ProgramFiles ?? 'C:\\Program Files', 'PostgreSQL', String(major), 'bin')];
    default:
      return [
        `/usr/lib/postgresql/${major}/bin`, // Debian, Ubuntu
        `/usr/libexec/postgresql${major}`, // Alpine
        `/usr/pgsql-${major}/bin`, // the PostgreSQL project's own RPMs
        `/usr/lib/postgresql${major}/bin`, // SUSE
      ];
  }
}

/** `pg_config` of a client-only install names a folder without a server; its missing version sorts that out. */
async function askPgConfig(context: Context): Promise<string[]> {
  const { failed, stdout } = await execa('pg_config', ['--bindir'], {
    env: context.env,
    extendEnv: false,
    reject: false,
  });
  return failed ? [] : [stdout.trim()];
}
