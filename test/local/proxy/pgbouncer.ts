import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { findFreePort } from '../../../src/local/postgres/free-port.ts';
import type { ProxyBed } from './proxy-bed.ts';

/** It refuses to run as root. */
const nobody = 65_534;

/** Debian's PgBouncer in transaction mode before the same server: the second opinion. */
export async function startPgBouncer(
  bed: ProxyBed,
  maxConnections: number,
): Promise<{ target: ConnectionTarget; stop(): Promise<void> }> {
  const { host, port, database, user, password, tls } = bed.local.slots.a;
  if (typeof password === 'function' || tls === false) throw new Error('a password and TLS were expected');
  const dir = await mkdtemp(join(tmpdir(), 'lambdapg-pgbouncer-'));
  const ownPort = await findFreePort(0, ['127.0.0.1']);
  const files = {
    'users.txt': `"${user}" "${password.reveal()}"\n`,
    'ca.crt': tls.ca ?? '',
    'server.crt': bed.certificate.certificate,
    'server.key': bed.certificate.key,
    'pgbouncer.ini': `[databases]
${database} = host=${host} port=${port} dbname=${database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${ownPort}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${dir}/users.txt
pool_mode = transaction
default_pool_size = ${maxConnections}
client_tls_sslmode = require
client_tls_key_file = ${dir}/server.key
client_tls_cert_file = ${dir}/server.crt
server_tls_sslmode = verify-full
server_tls_ca_file = ${dir}/ca.crt
`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  const root = process.getuid?.() === 0;
  if (root) for (const name of ['.', ...(await readdir(dir))]) await chown(join(dir, name), nobody, nobody);
  const child = spawn('pgbouncer', [join(dir, 'pgbouncer.ini')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    ...(root && { uid: nobody, gid: nobody }),
  });
  const exited = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    const seen: string[] = [];
    createInterface(child.stderr).on('line', (line) => {
      seen.push(line);
      if (/process up/.test(line)) resolve();
    });
    child.once('error', reject);
    void exited.then(() => reject(new Error(`pgbouncer ended: ${seen.join('\n')}`)));
  });
  return {
    target: { ...bed.local.slots.a, port: ownPort },
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(dir, { recursive: true });
    },
  };
}
