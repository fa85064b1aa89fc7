import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { parseDatabaseUrl } from '../../src/database/database-url.ts';
import { UserError } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';

const base = { host: 'db.example.com', port: 5432, database: 'library', user: 'ann', tls: {} };

test.each([
  ['postgres://ann:pw@db.example.com/library', base],
  ['postgresql://ann:pw@db.example.com:6543/library', { ...base, port: 6543 }],
  ['postgres://ann:pw@db.example.com/library?sslmode=require', base],
  ['postgres://ann:pw@db.example.com/library?sslmode=verify-ca', base],
  ['postgres://ann:pw@db.example.com/library?sslmode=verify-full&sslrootcert=system', base],
  ['postgres://ann:pw@db.example.com/library?sslmode=disable', { ...base, tls: false }],
  ['postgres://ann:pw@[::1]:5433/library', { ...base, host: '::1', port: 5433 }],
  ['postgres://a%40b:pw@db.example.com/my%20db', { ...base, user: 'a@b', database: 'my db' }],
])('%s', async (url, expected) => {
  const { password, ...target } = await parseDatabaseUrl(new Secret(url));
  expect(target).toEqual(expected);
  expect((password as Secret).reveal()).toBe('pw');
});

test('a percent-encoded password arrives as it is', async () => {
  const { password } = await parseDatabaseUrl('postgres://ann:p%2F%40%3A%25w@h/d');
  expect((password as Secret).reveal()).toBe('p/@:%w');
});

test('sslrootcert is read', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'lambdapg-url-'));
  await writeFile(join(dir, 'ca.pem'), 'PEM');
  const { tls } = await parseDatabaseUrl(`postgres://ann:pw@h/d?sslrootcert=${dir}/ca.pem`);
  expect(tls).toEqual({ ca: 'PEM' });
  await rm(dir, { recursive: true });
});

test.each([
  ['mysql://ann:canary@h/d', /does not begin with postgres/],
  ['postgres://ann:canary@/d', /is no URL|names no host/],
  ['postgres://:canary@h/d', /names no user/],
  ['postgres://ann:canary@h', /names no database/],
  ['postgres://ann:canary@h:port/d', /is no URL/],
  ['postgres://ann:canary%zz@h/d', /its password holds a "%"/],
  ['postgres://ann:canary@h/d?sslmode=no-verify', /sslmode "no-verify"/],
  ['postgres://ann:canary@h/d?sslmode=prefer', /sslmode "prefer"/],
  ['postgres://ann:canary@h/d?sslmode=', /sslmode ""/],
  ['postgres://ann:canary@h/d?sslrootcert=/nowhere/ca.pem', /"\/nowhere\/ca.pem" cannot be read: ENOENT/],
])('%s is refused, without its password', async (url, reason) => {
  const error = await parseDatabaseUrl(url).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({ code: 'BAD_DATABASE_URL', exit: 2, message: expect.stringMatching(reason) });
  expect(inspect(error, { depth: 9 })).not.toContain('canary');
});
