import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from './cli.ts';
import { devEnvironment, makeProject, processesOf, startDev } from './dev.ts';

const invokeIn = (project: string) => (args: readonly string[], input?: string) =>
  runCli(['invoke', ...args], { cwd: project, env: devEnvironment(), ...(input !== undefined && { input }) });

test('invoke: by the dev that is running, with every form of an event', async () => {
  const project = await makeProject();
  const echo =
    'export const handler = async (event: { fail?: true }) => { if (event.fail) throw new Error("as asked"); return event; };';
  await writeFile(join(project, 'src/overdue.ts'), echo);
  const dev = await startDev(project);
  const invoke = invokeIn(project);
  const got = await invoke(['api', 'GET /books?limit=1', '--json']);
  expect(got, got.stderr).toMatchObject({ exitCode: 0 });
  expect(got.json()).toMatchObject({
    ...{ status: 200, version: '$LATEST', payload: { statusCode: 200 }, memoryMb: 256 },
    durationMs: expect.any(Number),
    log: expect.arrayContaining([expect.stringContaining('REPORT RequestId')]),
  });
  await dev.until(({ type, method }) => type === 'request' && method === 'POST');

  const scheduled = await invoke(['overdue']);
  expect(scheduled, scheduled.stderr).toMatchObject({
    ...{ exitCode: 0, stderr: expect.stringMatching(/200 in [\d.]+ ms/) },
  });
  expect(JSON.parse(scheduled.stdout)).toMatchObject({ source: 'aws.events' });

  await writeFile(join(project, 'event.json'), '{"from": "file"}');
  expect((await invoke(['overdue', '@event.json'])).stdout).toBe('{"from":"file"}');
  expect((await invoke(['overdue', '-'], '{"from": "stdin"}')).stdout).toBe('{"from":"stdin"}');
  const failed = await invoke(['overdue', '{"fail": true}', '--json']);
  expect(failed).toMatchObject({ exitCode: 1 });
  expect(failed.json()).toMatchObject({ functionError: 'Unhandled', payload: { errorMessage: 'as asked' } });
  expect(await invoke(['overdue', '{}', '--async'])).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('202, the event is queued'),
  });

  for (const [args, code, exit] of [
    [['api', '{nonsense'], 'BAD_EVENT', 2],
    [['api', '@missing.json'], 'BAD_EVENT', 2],
    [['overdue', 'GET /books'], 'NO_ROUTE', 2],
    [['nosuch'], 'FUNCTION_NOT_FOUND', 1],
  ] as const) {
    const refused = await invoke([...args, '--json']);
    expect([args, refused.exitCode, refused.json()]).toMatchObject([args, exit, { error: { code } }]);
  }
}, 60_000);

test('invoke: without one it starts what it needs and leaves nothing running', async () => {
  const project = await makeProject();
  // As a killed dev leaves it: no process has that number.
  await mkdir(join(project, '.lambdapg'), { recursive: true });
  const stale = { url: 'http://127.0.0.1:9', pid: 4_194_304 };
  await writeFile(join(project, '.lambdapg/dev.json'), JSON.stringify(stale));
  const got = await invokeIn(project)(['api', 'GET /health', '--json']);
  expect(got, got.stderr).toMatchObject({ exitCode: 0 });
  expect(got.json()).toMatchObject({ payload: { statusCode: 200 } });
  expect(processesOf(project)).toEqual([]);
  const queued = await invokeIn(project)(['overdue', '--async', '--json']);
  expect(queued.json()).toMatchObject({ error: { code: 'NO_BACKGROUND' } });
}, 60_000);
