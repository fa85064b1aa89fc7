import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { scramVerifier } from '../../src/database/scram.ts';
import { fileJournal } from '../../src/rotation/journal.ts';
import type { RotationParts } from '../../src/rotation/parts.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { Secret } from '../../src/secret.ts';
import { makeTempDir, testContext } from '../postgres-server.ts';
import { openRotation, sql, startServer, type TestServer } from './database-bed.ts';
import { findLeaks, readCommandLines, readFolder } from './leak-scan.ts';
import { MemoryConsumer } from './memory-consumer.ts';
import { MemoryStore } from './memory-store.ts';
import { resumeWish, wishFor } from './test-run.ts';

let server: TestServer;
let dir: string;
const first = new Secret(`The 1st p@ss/w+rd "of" slot's a %`);
beforeAll(async () => {
  server = await startServer({ settings: { log_statement: 'all', log_connections: 'on' } });
  dir = await makeTempDir();
  await sql(server.local.admin, `ALTER ROLE library_a PASSWORD '${scramVerifier(first)}'`);
});
afterAll(async () => {
  await server.cleanUp();
  await rm(dir, { recursive: true, force: true });
});

const statements = async () =>
  (await sql<{ query: string }>(server.local.admin, 'SELECT query FROM pg_stat_statements'))
    .map(({ query }) => query)
    .join('\n');
const serverLog = () => readFileSync(server.local.logFile, 'utf8');

/** All that this process writes to its terminal meanwhile, which does not appear there. */
function listen(): { text: string; stop(): void } {
  const heard = { text: '', stop: () => {} };
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      heard.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      return true;
    }),
  );
  heard.stop = () => {
    for (const spy of spies) spy.mockRestore();
  };
  return heard;
}

test('no password is to be found anywhere after a rotation, and one that fails', async () => {
  const context = testContext();
  const terminal = listen();
  const errors: unknown[] = [];
  let commandLines = '';
  const watch = setInterval(() => {
    commandLines += readCommandLines();
  }, 500);
  const store = new MemoryStore({ user: 'library_a', password: first });
  const consumer = new MemoryConsumer(Date.now, store, { id: 'function api', drainMs: 0 });
  const database = openRotation(server, { context });
  const parts: RotationParts = {
    id: 'library-dev',
    store,
    database,
    slots: { a: 'library_a', b: 'library_b' },
    consumers: [consumer],
  };
  const options = { journal: fileJournal(dir, 'library-dev'), pollMs: 50, patienceMs: 20_000 };
  const report = await database.withLease(() => rotate(context, parts, wishFor(), options));
  expect(report.outcome).toBe('closed');
  const reports: unknown[] = [report];
  // What goes wrong is told, too: another run takes over, a password that no verifier is made of, a wrong one.
  await database.withLease(async () => {
    await sql(server.local.admin, 'UPDATE lambdapg.rotation_lease SET fence = fence + 1');
    const failing = [
      () => database.setPassword({ user: 'library_b', password: new Secret(`${first.reveal()}ü`) }),
      () => database.setPassword({ user: 'library_b', password: first }),
    ];
    for (const fail of failing) await fail().catch((error: unknown) => errors.push(error));
    reports.push(await rotate(context, parts, wishFor(), options));
  });
  reports.push(await database.logins({ user: 'library_b', password: first }));
  await rotate(context, parts, resumeWish(), { ...options, patienceMs: 0 }).catch((error) =>
    errors.push(error),
  );
  clearInterval(watch);
  terminal.stop();
  const secrets = [
    first,
    ...[...store.versions.values()].flatMap((value) => (value ? [value.password] : [])),
  ];
  expect(secrets.length).toBeGreaterThanOrEqual(3);
  const channels = {
    'server log': serverLog(),
    pg_stat_statements: await statements(),
    events: JSON.stringify(context.events) + inspect(context.events, { depth: 20 }),
    report: JSON.stringify(reports) + inspect(reports, { depth: 20 }),
    errors: errors.map((error) => inspect(error, { depth: 20, showHidden: true })).join('\n'),
    journal: readFolder(dir),
    terminal: terminal.text,
    'command lines': commandLines,
  };
  // It was looked where something is to be seen.
  expect(channels['server log']).toContain(`ALTER ROLE "library_b" LOGIN PASSWORD 'SCRAM-SHA-256$`);
  expect(channels.pg_stat_statements).toMatch(/ALTER ROLE "library_b"/);
  expect(channels.events).toContain('library_b');
  expect(channels.errors).toContain('LEASE_LOST');
  expect(channels.errors).toContain('PASSWORD_NOT_ASCII');
  expect(channels.journal).toContain('put-pending');
  expect(findLeaks(channels, secrets)).toEqual([]);
});

test('a planted password is found in every channel and every shape', async () => {
  const planted = new Secret(`planted p@ss/w+rd's "%" ~~?`);
  const plain = planted.reveal();
  await sql(server.local.admin, `ALTER ROLE library_b PASSWORD '${plain.replaceAll("'", "''")}'`);
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', plain], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  await vi.waitFor(() => expect(readCommandLines()).toContain('planted'), 10_000);
  const terminal = listen();
  process.stdout.write(`${encodeURIComponent(plain)}\n`);
  terminal.stop();
  const channels = {
    'server log': serverLog(),
    pg_stat_statements: await statements(),
    'command lines': readCommandLines(),
    terminal: terminal.text,
    json: JSON.stringify({ url: `postgres://a:${encodeURIComponent(plain)}@host/d` }),
    basic: `Basic ${Buffer.from(`library_b:${plain}`).toString('base64')}`,
    hex: Buffer.from(`a:${plain}`).toString('hex'),
    form: new URLSearchParams({ password: plain }).toString(),
    nested: JSON.stringify({ password: plain }),
  };
  child.kill('SIGKILL');
  await exited;
  const found = new Set(findLeaks(channels, [planted]).map((leak) => leak.replace(/:.*/, '')));
  expect([...found]).toEqual(Object.keys(channels));
});
