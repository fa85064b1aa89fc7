import { existsSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureRoles } from '../../../src/database/roles.ts';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { withClient } from '../../../src/database/with-client.ts';
import { createAuthority, type KeyPair } from '../../../src/local/postgres/certificates.ts';
import { isPostmaster } from '../../../src/local/postgres/postmaster-file.ts';
import { isRunning } from '../../../src/local/postgres/process-identity.ts';
import { parseProjectName } from '../../../src/project/names.ts';
import { Secret } from '../../../src/secret.ts';
import { makeTempDir, testContext } from '../../postgres-server.ts';
import { sweepAbandonedServers } from './abandoned.ts';
import { RdsServer } from './rds-server.ts';

const root = join(import.meta.dirname, '../../..');
const name = 'db1.c9akciq32rgt.eu-central-1.rds.amazonaws.com';
const password = new Secret('first-Password');
let authority: KeyPair;
let server: RdsServer;

const master = (change: Partial<ConnectionTarget> = {}): ConnectionTarget => ({
  host: server.address.host,
  port: 5432,
  database: 'shop',
  user: 'postgres',
  password,
  tls: { ca: authority.certificate, name },
  ...change,
});

const query = (target: ConnectionTarget, sql: string) =>
  withClient(target, { applicationName: 'test' }, async (client) => (await client.query(sql)).rows);

beforeAll(async () => {
  authority = await createAuthority();
  server = await RdsServer.create(testContext(), {
    major: 17,
    names: [name],
    authority,
    maxConnections: 30,
    forceSsl: true,
    master: { user: 'postgres', password },
    databaseName: 'shop',
  });
});

afterAll(() => server.remove());

test('the server of a test process that was killed is ended by the next one', async () => {
  // Of its own: the other test processes sweep the common one.
  const temporary = await makeTempDir();
  const code = `
    const { RdsServer } = await import(${JSON.stringify(join(import.meta.dirname, 'rds-server.ts'))});
    const { createAuthority } = await import(${JSON.stringify(join(root, 'src/local/postgres/certificates.ts'))});
    const { testContext } = await import(${JSON.stringify(join(root, 'test/postgres-server.ts'))});
    const server = await RdsServer.create(testContext(), { major: 17, names: ['x.rds.amazonaws.com'],
      authority: await createAuthority(), maxConnections: 20, forceSsl: true, master: { user: 'boss' } });
    console.log(server.socketDir);
    process.kill(process.pid, 'SIGKILL');`;
  const run = (file: string, args: string[]) =>
    execa(file, args, { reject: false, cwd: root, env: { TMPDIR: temporary } });
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code]);
  const dir = dirname(stdout.trim());
  const pid = Number(readFileSync(join(dir, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
  expect(isPostmaster(pid, join(dir, 'data'))).toBe(true);
  await sweepAbandonedServers(temporary);
  expect(existsSync(dir)).toBe(false);
  await expect.poll(() => isRunning({ pid })).toBe(false);
  await rm(temporary, { recursive: true });
});

test('a server whose owner is in another container is left alone', async () => {
  const file = join(dirname(server.socketDir), 'owner.json');
  const own = await readFile(file, 'utf8');
  // A number that no process has here.
  const owner = { ...JSON.parse(own), pid: 2 ** 30, startTicks: '1', machine: 'another' };
  await writeFile(file, JSON.stringify(owner));
  await sweepAbandonedServers();
  expect(existsSync(file)).toBe(true);
  await writeFile(file, own);
});

describe('a server behind an RDS name', () => {
  test('the master logs in over verified TLS at port 5432 and is no superuser', async () => {
    const rows = await query(
      master(),
      `SELECT rolsuper, rolcreaterole, rolcreatedb, pg_has_role('rds_superuser', 'USAGE') AS member,
         pg_has_role('rds_iam', 'USAGE') AS iam, ssl, current_setting('max_connections') AS max
       FROM pg_roles, pg_stat_ssl WHERE rolname = current_user AND pid = pg_backend_pid()`,
    );
    expect(rows).toEqual([
      {
        rolsuper: false,
        rolcreaterole: true,
        rolcreatedb: true,
        member: true,
        iam: false,
        ssl: true,
        max: '30',
      },
    ]);
  });

  test('a certificate for another name is refused', async () => {
    const other = master({ tls: { ca: authority.certificate, name: name.replace('db1', 'db2') } });
    await expect(query(other, 'SELECT 1')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('rds.force_ssl refuses a plain connection in the words of RDS, and obeys a change', async () => {
    const plain = master({ tls: false });
    await expect(query(plain, 'SELECT 1')).rejects.toMatchObject({
      code: '28000',
      message: expect.stringMatching(
        /^no pg_hba.conf entry for host ".*", user "postgres", database "shop", no encryption$/,
      ),
    });
    await server.reload({ forceSsl: false });
    await expect.poll(() => query(plain, 'SELECT 1').catch(() => [])).toHaveLength(1);
    await server.reload({ forceSsl: true });
  });

  test('refuses what RDS refuses to a master, and lets it grant rds_iam', async () => {
    await expect(query(master(), 'CREATE ROLE x SUPERUSER')).rejects.toMatchObject({ code: '42501' });
    await expect(query(master(), "ALTER SYSTEM SET work_mem = '1GB'")).rejects.toMatchObject({
      code: '42501',
    });
    await query(master(), 'CREATE ROLE reporter LOGIN; GRANT rds_iam TO reporter');
    expect(await server.isIamUser('reporter')).toBe(true);
    expect(await server.isIamUser('postgres')).toBe(false);
    expect(await server.isIamUser('nobody')).toBe(false);
  });

  test('the roles of a project can be made by the master', async () => {
    const slots = { a: new Secret('slot-a'), b: new Secret('slot-b') };
    await withClient(master(), { applicationName: 'test' }, (client) =>
      ensureRoles(client, parseProjectName('shop'), slots),
    );
    const rows = await query(master({ user: 'shop_a', password: slots.a }), 'SELECT current_user');
    expect(rows).toEqual([{ current_user: 'shop_app' }]);
  });

  test('a new password, a stop and a start apply', async () => {
    const changed = new Secret('second-Password');
    await server.setPassword('postgres', changed);
    await expect(query(master(), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    await server.stop();
    await expect(query(master({ password: changed }), 'SELECT 1')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await server.start();
    expect(await query(master({ password: changed }), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
