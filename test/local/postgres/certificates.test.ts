import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withClient } from '../../../src/database/with-client.ts';
import {
  createAuthority,
  createServerCertificate,
  isSignedBy,
  needsRenewal,
} from '../../../src/local/postgres/certificates.ts';
import { startTestPostgres } from '../../postgres-server.ts';

const days = (count: number) => new Date(Date.now() + count * 86_400_000);

test('a server certificate holds the loopback names, is no authority, and its authority signed it', async () => {
  const authority = await createAuthority();
  const { certificate, key } = await createServerCertificate(authority);
  const parsed = new X509Certificate(certificate);
  expect(parsed.checkHost('localhost')).toBe('localhost');
  for (const address of ['127.0.0.1', '::1']) expect(parsed.checkIP(address)).toBe(address);
  expect(parsed.checkHost('db.example.com')).toBeUndefined();
  expect(parsed.ca).toBe(false);
  expect(new X509Certificate(authority.certificate).ca).toBe(true);
  expect(isSignedBy(certificate, authority.certificate)).toBe(true);
  expect(isSignedBy(certificate, (await createAuthority()).certificate)).toBe(false);
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
});

test('a certificate is renewed in its last 30 days, or when the clock was set back', async () => {
  const { certificate } = await createServerCertificate(await createAuthority());
  expect(needsRenewal(certificate)).toBe(false);
  expect(needsRenewal(certificate, days(366))).toBe(false);
  expect(needsRenewal(certificate, days(368))).toBe(true);
  expect(needsRenewal(certificate, days(-2))).toBe(true);
});

test('a server whose certificate is not of its authority gets a new one at its next start', async () => {
  const { local, projectDir, cleanUp } = await startTestPostgres();
  await local.stop();
  const file = join(local.dataDir, 'server.crt');
  const before = await readFile(file, 'utf8');
  const { certificate, key } = await createServerCertificate(await createAuthority());
  await writeFile(file, certificate);
  await writeFile(join(local.dataDir, 'server.key'), key);
  const again = await startTestPostgres({ projectDir });
  expect([before, certificate]).not.toContain(await readFile(file, 'utf8'));
  await withClient(again.local.slots.a, { applicationName: 'test' }, (client) => client.query('SELECT 1'));
  await again.cleanUp();
  await cleanUp();
});
