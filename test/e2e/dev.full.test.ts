import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startTestPostgres } from '../postgres-server.ts';
import { runCli } from './cli.ts';
import { books, devEnvironment, makeProject, processesOf, startDev } from './dev.ts';

describe('lambdapg dev', () => {
  test('a busy HTTP port gives way to the next free one, and says so', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    onTestFinished(() => void blocker.close());
    const { port } = blocker.address() as AddressInfo;
    const dev = await startDev(await makeProject(), ['--port', String(port)]);
    expect(Number(new URL(dev.url).port)).toBeGreaterThan(port);
    expect(dev.events.find(({ type }) => type.startsWith('port-'))?.message).toContain(String(port));
  });

  test('a killed postmaster is started again and the next request is served', async () => {
    const project = await makeProject();
    const dev = await startDev(project);
    await books(dev.url);
    const pid = Number(
      (await readFile(join(project, '.lambdapg/postgres/17/data/postmaster.pid'), 'utf8')).split('\n')[0],
    );
    process.kill(pid, 'SIGKILL');
    await dev.until(({ type }) => type === 'postgres-exited');
    const readies = () => dev.events.filter(({ type }) => type === 'postgres-ready').length;
    await expect.poll(readies, { timeout: 20_000 }).toBe(2);
    expect((await books(dev.url)).status).toBe(200);
  });

  test('Ctrl-C twice kills', async () => {
    const project = await makeProject();
    const dev = await startDev(project);
    await books(dev.url);
    const [postmaster] = (
      await readFile(join(project, '.lambdapg/postgres/17/data/postmaster.pid'), 'utf8')
    ).split('\n');
    // Nobody answers the first one.
    process.kill(Number(postmaster), 'SIGSTOP');
    const exited = once(dev.child, 'exit');
    dev.child.kill('SIGINT');
    await pause(1_100);
    dev.child.kill('SIGINT');
    expect(await exited).toEqual([null, 'SIGINT']);
    process.kill(Number(postmaster), 'SIGCONT');
    await expect.poll(() => processesOf(project), { timeout: 5_000 }).toEqual([]);
  });

  test('--database-url serves from another server, on which no roles are made', async () => {
    const { local, cleanUp } = await startTestPostgres({ name: 'other' });
    onTestFinished(cleanUp);
    const { port, database, admin, caFile } = local;
    const password = typeof admin.password === 'function' ? await admin.password() : admin.password;
    const url = `postgres://${admin.user}:${password.reveal()}@localhost:${port}/${database}?sslmode=verify-full&sslrootcert=${caFile}`;
    const project = await makeProject();
    const env = { ...devEnvironment(), LAMBDAPG_DATABASE_URL: url };
    expect((await runCli(['migrate'], { cwd: project, env })).exitCode).toBe(0);
    expect((await runCli(['seed'], { cwd: project, env })).exitCode).toBe(0);
    const dev = await startDev(project, [], env);
    expect((await books(dev.url)).text).toContain('"title"');
    expect(JSON.stringify(dev.events) + dev.stderr()).not.toContain(password.reveal());
    const tests = await runCli(['dev', '--', 'node', '-e', 'console.log("ran")'], { cwd: project, env });
    expect([tests.exitCode, tests.stdout]).toEqual([2, '']);
    expect(tests.stderr).toContain('a command runs on a scratch database');
    await dev.stop();
  });
});
