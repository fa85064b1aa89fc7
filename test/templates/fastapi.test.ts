import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { execa } from '../../src/exec.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import { migrate } from '../../src/seed/migrate.ts';
import { seed } from '../../src/seed/seed.ts';
import { makeTempDir, startTestPostgres, testContext } from '../postgres-server.ts';
import { pythonOfTests } from '../runtime/driver.ts';
import { generateApi } from './generate.ts';

// Each process imports FastAPI and SQLAlchemy: seconds, on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let projectDir: string;
let server: Awaited<ReturnType<typeof startTestPostgres>>;
let environment: Record<string, string>;

beforeAll(async () => {
  const context = testContext();
  projectDir = await makeTempDir();
  [server] = await Promise.all([
    startTestPostgres(),
    generateApi('python', projectDir, undefined, 'fastapi'),
  ]);
  const target = { admin: server.local.admin, ownerRole: 'library_owner' };
  await migrate(context, { target, projectDir, directory: 'migrations', dryRun: false });
  await seed(context, { target, projectDir, directory: 'seeds', truncate: false, dryRun: false });
  environment = await functionEnvironment(server.local.slots.a, server.local.caFile);
});
afterAll(async () => {
  await server?.cleanUp();
  await rm(projectDir, { recursive: true, force: true });
});

test('what only FastAPI and SQLAlchemy have (fastapi_project.py)', async () => {
  const file = join(import.meta.dirname, 'fastapi_project.py');
  const { all, exitCode } = await execa(
    pythonOfTests,
    ['-B', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', file],
    {
      cwd: projectDir,
      all: true,
      reject: false,
      env: { ...environment, PYTHONPATH: projectDir },
    },
  );
  expect(exitCode, all).toBe(0);
  expect(all).toMatch(/^\d+ passed/m);
});

test('with PGHOST_READER pages are read there, and nothing else', async () => {
  // Without a loop in the main thread, as from Python 3.14 on ("asyncio.get_event_loop() now raises a RuntimeError",
  // docs.python.org/3/whatsnew/3.14.html): what Mangum 0.19 stumbles over.
  const ask = `
import asyncio, json
asyncio.set_event_loop(None)
from types import SimpleNamespace
from app.api import handler
def status(path):
    http = {"method": "GET", "path": path, "sourceIp": "127.0.0.1"}
    event = {"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {}, "requestContext": {"http": http}}
    context = SimpleNamespace(aws_request_id="1", get_remaining_time_in_millis=lambda: 9_000)
    return handler(event, context)["statusCode"]
print(json.dumps([status(path) for path in ["/books/1", "/loans/1", "/books", "/books/available", "/authors"]]))`;
  const answers = async (reader: Record<string, string>): Promise<unknown> => {
    const { stdout } = await execa(pythonOfTests, ['-B', '-c', ask], {
      cwd: projectDir,
      env: { ...environment, ...reader },
    });
    return JSON.parse(stdout.split('\n').at(-1) ?? '');
  };
  // Nothing listens on the second one.
  const hosts = [environment.PGHOST ?? '', '127.0.0.9'];
  expect(await Promise.all(hosts.map((host) => answers({ PGHOST_READER: host })))).toEqual([
    [200, 200, 200, 200, 200],
    [200, 200, 500, 500, 500],
  ]);
});
