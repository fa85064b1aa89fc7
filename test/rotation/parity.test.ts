import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RoleGraph, readRoleGraph } from '../../src/database/role-graph.ts';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { findDisparities, verifyParity } from '../../src/rotation/parity/parity.ts';
import type { ParityFinding, ParityLogins } from '../../src/rotation/parity/parity-finding.ts';
import { startTestPostgres } from '../postgres-server.ts';

const logins: ParityLogins = {
  current: 'library_a',
  standby: 'library_b',
  slots: { a: 'library_a', b: 'library_b' },
  app: 'library_app',
  owner: 'library_owner',
};

let server: Awaited<ReturnType<typeof startTestPostgres>>;
beforeAll(async () => {
  server = await startTestPostgres();
  await asAdmin(async (client) => {
    await client.query('CREATE EXTENSION postgres_fdw');
    await client.query('CREATE SERVER books FOREIGN DATA WRAPPER postgres_fdw');
    await client.query('CREATE ROLE reporting NOLOGIN; CREATE ROLE migrator NOLOGIN');
    await client.query('SET ROLE library_owner; CREATE TABLE loan (id int, who text); RESET ROLE');
    await client.query('CREATE SCHEMA audit; CREATE TABLE audit.entry (id int, note text)');
  });
});
afterAll(() => server.cleanUp());

const asAdmin = <T>(work: (client: Client) => Promise<T>): Promise<T> =>
  withClient(server.local.admin, { applicationName: 'parity test' }, work);

/** What is found after `sql`, whose effects are gone afterwards. */
async function findAfter(sql: string, more: Partial<ParityLogins> = {}): Promise<readonly ParityFinding[]> {
  return asAdmin(async (client) => {
    await client.query('BEGIN');
    await client.query(sql);
    const graph = await graphInside(client);
    await client.query('ROLLBACK');
    return findDisparities(graph, { ...logins, ...more });
  });
}

/** `readRoleGraph` in the transaction that is open: what it begins and ends is left out. */
async function graphInside(client: Client): Promise<RoleGraph> {
  const inside = Object.create(client) as Client;
  const query = (question: unknown): unknown =>
    typeof question === 'string' && /^(BEGIN|ROLLBACK)/.test(question)
      ? Promise.resolve()
      : (client.query as (question: unknown) => unknown)(question);
  return readRoleGraph(Object.assign(inside, { query }), ['library_a', 'library_b']);
}

test('slots as lambdapg makes them are alike', async () => {
  expect(await findAfter('SELECT 1')).toEqual([]);
});

/** What is done, which finding it gives, and whether that stops a rotation. */
const seeded: readonly (readonly [sql: string, fault: string, severity: ParityFinding['severity']])[] = [
  [`ALTER ROLE library_a SET search_path = audit, "$user", public`, 'setting-differs', 'refuse'],
  [`ALTER ROLE library_b IN DATABASE library SET statement_timeout = '5s'`, 'setting-differs', 'refuse'],
  [`ALTER ROLE library_a SET "app.tenant" = 'o''hara'`, 'setting-differs', 'refuse'],
  [`ALTER ROLE library_a SET log_min_duration_statement = 5`, 'setting-differs', 'warn'],
  [`ALTER ROLE library_b RESET role`, 'role-setting', 'refuse'],
  [`ALTER ROLE library_b CONNECTION LIMIT 5`, 'limit-differs', 'refuse'],
  [`ALTER ROLE library_a CONNECTION LIMIT 5`, 'limit-differs', 'warn'],
  [`ALTER ROLE library_a BYPASSRLS`, 'attribute-differs', 'refuse'],
  [`ALTER ROLE library_b INHERIT`, 'attribute-differs', 'refuse'],
  [`ALTER ROLE library_a VALID UNTIL '2035-01-01'`, 'password-expires', 'warn'],
  [`GRANT reporting TO library_a`, 'membership-differs', 'refuse'],
  [`GRANT reporting TO library_b`, 'membership-differs', 'warn'],
  [`REVOKE library_app FROM library_b`, 'not-in-app', 'refuse'],
  [`REVOKE CONNECT ON DATABASE library FROM library_b`, 'no-connect', 'refuse'],
  [`GRANT SELECT ON audit.entry TO library_a`, 'grant-differs', 'refuse'],
  [`GRANT SELECT (note) ON audit.entry TO library_a`, 'grant-differs', 'refuse'],
  [`GRANT USAGE ON SCHEMA audit TO library_b`, 'grant-differs', 'warn'],
  [`GRANT SET ON PARAMETER log_statement TO library_a`, 'grant-differs', 'refuse'],
  [
    `ALTER DEFAULT PRIVILEGES FOR ROLE migrator GRANT SELECT ON TABLES TO library_a`,
    'default-privilege-differs',
    'refuse',
  ],
  [`ALTER TABLE audit.entry OWNER TO library_b`, 'owns-objects', 'refuse'],
  [`ALTER SCHEMA audit OWNER TO library_a`, 'owns-objects', 'refuse'],
  [`CREATE PUBLICATION changes; ALTER PUBLICATION changes OWNER TO library_a`, 'owns-objects', 'refuse'],
  [`CREATE USER MAPPING FOR library_a SERVER books`, 'user-mapping-differs', 'refuse'],
  [`CREATE USER MAPPING FOR library_b SERVER books`, 'user-mapping-differs', 'warn'],
  [`CREATE POLICY mine ON loan TO library_a USING (true)`, 'policy-names-login', 'refuse'],
  [`CREATE POLICY mine ON loan USING (session_user = 'library_a')`, 'policy-names-login', 'refuse'],
  [`CREATE POLICY mine ON loan USING (who = session_user)`, 'policy-asks-login', 'refuse'],
  [`ALTER TABLE loan ALTER who SET DEFAULT session_user`, 'asks-login', 'warn'],
  [`ALTER ROLE library_b RENAME TO other`, 'role-missing', 'refuse'],
];

test.each(seeded)('%s is found', async (sql, fault, severity) => {
  const findings = await findAfter(sql);
  expect(findings).toContainEqual(expect.objectContaining({ fault, severity }));
  if (severity === 'refuse') {
    expect(() => verifyParity(findings, logins)).toThrow(expect.objectContaining({ code: 'NO_PARITY' }));
  } else {
    expect(findings.map((finding) => finding.severity)).toEqual(['warn']);
    expect(() => verifyParity(findings, logins)).not.toThrow();
  }
});

/** All that a finding can mend by itself. */
const mendable = seeded.filter(([, fault]) =>
  ['setting-differs', 'role-setting', 'limit-differs', 'attribute-differs', 'not-in-app', 'no-connect']
    .concat(['default-privilege-differs', 'password-expires', 'owns-objects', 'membership-differs'])
    .includes(fault),
);

test.each(mendable)('the SQL that is printed for %s mends it', async (sql, fault) => {
  const mend = (await findAfter(sql)).flatMap((finding) => finding.mend);
  expect(mend).not.toEqual([]);
  const left = await findAfter([sql, ...mend].join(';\n'));
  expect(left.filter((finding) => finding.fault === fault)).toEqual([]);
});

test('rights that are granted as told are found no more', async () => {
  const sql = 'GRANT SELECT (note) ON audit.entry TO library_a; GRANT DELETE ON audit.entry TO library_a';
  const mend = (await findAfter(sql)).flatMap((finding) => finding.mend);
  expect(await findAfter([sql, ...mend].join(';\n'))).toEqual([]);
});

describe('the connections that are needed', () => {
  test('a limit that is equal, and too low for them, refuses', async () => {
    const sql = 'ALTER ROLE library_a CONNECTION LIMIT 20; ALTER ROLE library_b CONNECTION LIMIT 20';
    expect(await findAfter(sql, { connections: 20 })).toEqual([]);
    expect(await findAfter(sql, { connections: 21 })).toEqual([
      {
        fault: 'limit-too-low',
        severity: 'refuse',
        message: '"library_b" may have 20 connections, and 21 are needed',
        mend: ['ALTER ROLE "library_b" CONNECTION LIMIT 21'],
      },
    ]);
  });
});

test('what is the same for both is no difference', async () => {
  const both = ['library_a', 'library_b'].map(
    (slot) => `ALTER ROLE ${slot} SET work_mem = '8MB'; ALTER ROLE ${slot} CONNECTION LIMIT 30;
      GRANT reporting TO ${slot}; GRANT SELECT ON audit.entry TO ${slot};
      CREATE USER MAPPING FOR ${slot} SERVER books`,
  );
  const policy = 'CREATE POLICY mine ON loan TO library_a, library_b USING (true)';
  expect(await findAfter([...both, policy].join(';'))).toEqual([]);
});
