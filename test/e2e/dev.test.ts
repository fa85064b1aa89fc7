import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { runCli } from './cli.ts';
import { books, devEnvironment, makeProject, processesOf, saveFile, startDev } from './dev.ts';

describe('lambdapg dev', () => {
  test.each(['node', 'python'] as const)(
    'a %s project answers with rows, and says what each request took',
    async (language) => {
      const dev = await startDev(await makeProject(language, 'my-api', { initdb: language === 'node' }));
      expect(await books(dev.url)).toEqual({ status: 200, text: expect.stringContaining('"title"') });
      const event = await dev.until(({ type }) => type === 'request');
      expect(event).toMatchObject({
        method: 'GET',
        path: '/books',
        status: 200,
        durationMs: expect.any(Number),
        initMs: expect.any(Number),
        connections: 1,
      });
      expect(event.environment).toMatch(/^[0-9a-f]{8}$/);
      expect(event.message).toMatch(
        /GET \/books 200 [\d.]+ ms, init \d+ ms api@[0-9a-f]{8} {2}1 connection$/,
      );
      const invoked = await fetch(`${dev.url}/2015-03-31/functions/overdue/invocations`, {
        method: 'POST',
        body: '{}',
      });
      expect(invoked.status).toBe(200);
      expect(await invoked.json()).toBeTypeOf('object');
      expect(await dev.stop()).toBe(0);
    },
  );

  test('data survives a restart; nothing of it runs in between; the schema is not seeded again', async () => {
    const project = await makeProject();
    const first = await startDev(project);
    const made = await fetch(`${first.url}/books`, {
      method: 'POST',
      body: JSON.stringify({ title: 'Kept' }),
      headers: { 'content-type': 'application/json' },
    });
    expect(made.status).toBe(201);
    expect(await first.stop()).toBe(0);
    expect(processesOf(project)).toEqual([]);
    const second = await startDev(project);
    expect(second.events.map(({ type }) => type)).not.toContain('postgres-initdb');
    expect(second.events.filter(({ type }) => type.startsWith('seed'))).toEqual([]);
    expect(await (await fetch(`${second.url}${made.headers.get('location')}`)).text()).toContain('Kept');
  });

  test('a Ctrl-C that comes twice at once, as npm passes it on, is one', async () => {
    const project = await makeProject();
    const dev = await startDev(project);
    await books(dev.url);
    const exited = once(dev.child, 'exit');
    dev.child.kill('SIGINT');
    // Two at the same moment would be one for the system.
    await pause(20);
    dev.child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
    expect(processesOf(project)).toEqual([]);
  });

  test('a saved source is served; a build error is shown and the last good version keeps serving', async () => {
    const project = await makeProject();
    const dev = await startDev(project);
    const file = 'src/api.ts';
    const source = await readFile(join(project, file), 'utf8');
    await books(dev.url);
    await saveFile(project, file, 'export const handler = async () => ({ changed: true });\n');
    await dev.until(({ type }) => type === 'reload');
    expect((await books(dev.url)).text).toBe('{"changed":true}');
    await saveFile(project, file, 'export const handler = async () => {\n  return {\n');
    const error = await dev.until(({ type }) => type === 'build-failed');
    expect(error.message).toMatch(/src\/api\.ts:\d+:\d+/);
    expect((await books(dev.url)).text).toBe('{"changed":true}');
    const reloads = dev.events.filter(({ type }) => type === 'reload').length;
    await saveFile(project, file, source);
    await dev.until(
      (event) =>
        event.type === 'reload' &&
        dev.events.indexOf(event) >= 0 &&
        dev.events.filter(({ type }) => type === 'reload').length > reloads,
    );
    expect((await books(dev.url)).text).toContain('"title"');
  });

  test('killed without a chance: no function lingers, and the next dev adopts the server', async () => {
    const project = await makeProject();
    const first = await startDev(project);
    await books(first.url);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const functions = () => processesOf(project).filter(({ command }) => !command.includes('postgres'));
    await expect.poll(functions, { timeout: 10_000 }).toEqual([]);
    const second = await startDev(project);
    expect(second.events.find(({ type }) => type === 'postgres-ready')).toMatchObject({ adopted: true });
    expect((await books(second.url)).status).toBe(200);
    await second.stop();
    expect(processesOf(project)).toEqual([]);
  });

  test('--reset needs the typed name; then the data is gone', async () => {
    const project = await makeProject();
    const dev = await startDev(project);
    await fetch(`${dev.url}/authors`, { method: 'POST', body: '{"name":"Gone"}' });
    await dev.stop();
    const cli = (...flags: string[]) => runCli(['dev', ...flags], { cwd: project, env: devEnvironment() });
    const unasked = await cli('--reset');
    expect([unasked.exitCode, unasked.stderr]).toEqual([2, expect.stringContaining('--confirm my-api')]);
    expect((await cli('--reset', '--confirm', 'other')).exitCode).toBe(1);
    const again = await startDev(project, ['--reset', '--confirm', 'my-api']);
    expect(await (await fetch(`${again.url}/authors`)).text()).not.toContain('Gone');
  });

  test('"-- <command>" runs it on a scratch database and ends with its exit code', async () => {
    const project = await makeProject();
    await writeFile(
      join(project, 'probe.mjs'),
      `const before = await (await fetch(process.env.API_URL + '/authors')).text();
       await fetch(process.env.API_URL + '/authors', { method: 'POST', body: '{"name":"Scratch"}' });
       const after = await (await fetch(process.env.API_URL + '/authors?limit=100')).text();
       console.log(JSON.stringify({ database: process.env.PGDATABASE, before: before.includes('Scratch'), after: after.includes('Scratch') }));
       process.exit(7);`,
    );
    for (const _run of ['first', 'second']) {
      const { exitCode, stdout } = await runCli(['dev', '--', 'node', 'probe.mjs'], {
        cwd: project,
        env: devEnvironment(),
      });
      expect(exitCode).toBe(7);
      expect(JSON.parse(stdout)).toEqual({
        database: expect.stringMatching(/^my_api_.+/),
        before: false,
        after: true,
      });
    }
    expect(processesOf(project)).toEqual([]);
  });

  test('no password is printed or stands in a command line', async () => {
    const project = await makeProject();
    const dev = await startDev(project, ['--verbose']);
    await books(dev.url);
    const { secrets, text } = await readSecrets(project);
    expect(secrets.length).toBeGreaterThanOrEqual(3);
    const seen =
      JSON.stringify(dev.events) +
      dev.stderr() +
      processesOf(project)
        .map(({ command }) => command)
        .join();
    expect(secrets.filter((secret) => seen.includes(secret))).toEqual([]);
    expect(text).toContain(secrets[0]);
  });

  test('a broken lambdapg.json: every fault with its line, exit 2, nothing started', async () => {
    const project = await makeProject();
    await writeFile(join(project, 'lambdapg.json'), '{\n  "name": "my-api",\n  "langage": "node"\n}');
    const { exitCode, stderr } = await runCli(['dev'], { cwd: project, env: devEnvironment() });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/lambdapg\.json:3:\d+ langage: unknown key, did you mean "language"\?/);
    expect(stderr).toContain('runtime: is missing');
    expect(processesOf(project)).toEqual([]);
  });

  test('a Python project without Python says what to install', async () => {
    const project = await makeProject('python');
    const { exitCode, stderr } = await runCli(['dev'], {
      cwd: project,
      env: { ...devEnvironment(), LAMBDAPG_PYTHON_BIN: '/nowhere/python' },
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('/nowhere/python');
    expect(stderr).toMatch(/install Python/);
    expect(processesOf(project)).toEqual([]);
  });

  test('a handler file that is missing is named', async () => {
    const project = await makeProject();
    await rm(join(project, 'src/overdue.ts'));
    const { exitCode, stderr } = await runCli(['dev'], { cwd: project, env: devEnvironment() });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('src/overdue');
    expect(processesOf(project)).toEqual([]);
  });
});

async function readSecrets(project: string): Promise<{ secrets: string[]; text: string }> {
  const text = await readFile(join(project, '.lambdapg/postgres/17/credentials.json'), 'utf8');
  return { text, secrets: [...text.matchAll(/[\w-]{43}/g)].map(([secret]) => secret) };
}
