import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createServerCertificate, isSignedBy, needsRenewal } from './certificates.ts';
import type { ClusterPaths } from './cluster-paths.ts';
import { giveTo } from './reachable-place.ts';
import type { RunAs } from './run-as.ts';

/** The last line of `postgresql.conf`; what a person writes above it is kept. */
export const settingsFile = 'lambdapg.conf';

/** PostgreSQL settings by name; values are quoted here. */
export type Settings = Readonly<Record<string, string>>;

/** As on RDS: TLS for everyone (`rds.force_ssl`), SCRAM, UTC, pg_stat_statements. No unix sockets: one way in. */
function ownSettings(port: number, addresses: readonly string[]): Settings {
  return {
    listen_addresses: addresses.join(','),
    port: String(port),
    unix_socket_directories: '',
    ssl: 'on',
    ssl_cert_file: 'server.crt',
    ssl_key_file: 'server.key',
    password_encryption: 'scram-sha-256',
    shared_preload_libraries: 'pg_stat_statements',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] %q%u@%d %a ',
  };
}

/** A plain connection is refused, in the words in which RDS refuses it. */
const hostRules = `# Written by lambdapg at every start.
hostssl all all 127.0.0.1/32 scram-sha-256
hostssl all all ::1/128 scram-sha-256
`;

/** Writes the server's settings, its host rules and, where it is missing or about to end, its certificate. */
export async function writeSettings(
  paths: ClusterPaths,
  runAs: RunAs,
  wanted: { readonly port: number; readonly addresses: readonly string[]; readonly more: Settings },
): Promise<void> {
  const settings = { ...ownSettings(wanted.port, wanted.addresses), ...wanted.more };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  const header = '# Written by lambdapg at every start; your own settings belong into postgresql.conf.';
  await writeOwned(paths, runAs, settingsFile, `${header}\n${lines.join('\n')}\n`);
  await writeOwned(paths, runAs, 'pg_hba.conf', hostRules);
  await renewCertificate(paths, runAs);
}

async function renewCertificate(paths: ClusterPaths, runAs: RunAs): Promise<void> {
  const authority = {
    certificate: await readFile(paths.caFile, 'utf8'),
    key: await readFile(paths.caKeyFile, 'utf8'),
  };
  const current = await readFile(join(paths.dataDir, 'server.crt'), 'utf8').catch(() => undefined);
  if (current !== undefined && !needsRenewal(current) && isSignedBy(current, authority.certificate)) return;
  const { certificate, key } = await createServerCertificate(authority);
  await writeOwned(paths, runAs, 'server.key', key);
  await writeOwned(paths, runAs, 'server.crt', certificate);
}

async function writeOwned(paths: ClusterPaths, runAs: RunAs, name: string, text: string): Promise<void> {
  const file = join(paths.dataDir, name);
  await writeFile(file, text, { mode: 0o600 });
  await giveTo(runAs, file);
}
