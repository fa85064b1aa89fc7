import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withClient } from '../../src/database/with-client.ts';
import { execa } from '../../src/exec.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import {
  type LocalFunction,
  type LocalLambda,
  startLocalLambda,
} from '../../src/local/lambda/local-lambda.ts';
import { bundleFunction } from '../../src/project/bundle.ts';
import type { Framework, Language } from '../../src/project/choices.ts';
import { findNode, findPython } from '../../src/project/interpreters.ts';
import { migrate } from '../../src/seed/migrate.ts';
import { seed } from '../../src/seed/seed.ts';
import { makeTempDir, startTestPostgres, testContext } from '../postgres-server.ts';
import { generateApi } from './generate.ts';
import { describeHttpContract } from './http-contract.ts';

/** What is asked of every project with the library's HTTP API, whatever it is made of. Registers its tests in the caller. */
export function describeApi(language: Language, framework: Framework = 'none'): void {
  const context = testContext();
  let projectDir: string;
  let server: Awaited<ReturnType<typeof startTestPostgres>>;
  let lambda: LocalLambda;

  beforeAll(async () => {
    projectDir = await makeTempDir();
    [server] = await Promise.all([
      startTestPostgres(),
      generateApi(language, projectDir, undefined, framework),
    ]);
    await fillDatabase();
    lambda = await startLocalLambda(context, {
      functions: await functions(),
      preferredPort: 0,
      initLimitMs: 30_000,
    });
  });
  afterAll(async () => {
    await lambda?.stop();
    await server?.cleanUp();
    await rm(projectDir, { recursive: true, force: true });
  });

  const fillDatabase = async () => {
    const target = { admin: server.local.admin, ownerRole: 'library_owner' };
    await migrate(context, { target, projectDir, directory: 'migrations', dryRun: false });
    return seed(context, { target, projectDir, directory: 'seeds', truncate: false, dryRun: false });
  };

  const functions = async (): Promise<LocalFunction[]> => {
    const config = JSON.parse(await readFile(join(projectDir, 'lambdapg.json'), 'utf8'));
    const runtime = language === 'node' ? 'nodejs24.x' : 'python3.13';
    const { executable } =
      language === 'node' ? await findNode(context, runtime) : await findPython(context, runtime, projectDir);
    const environment = await functionEnvironment(server.local.slots.a, server.local.caFile);
    return Promise.all(
      Object.entries(config.functions as Record<string, { handler: string; routes?: string[] }>).map(
        async ([name, { handler, routes = [] }]): Promise<LocalFunction> => ({
          ...{ name, language, runtime, executable, environment, routes, timeoutMs: 30_000, memoryMb: 512 },
          ...(language === 'node'
            ? await bundleFunction({ projectDir, functionName: name, handler, runtime })
            : { codeDir: projectDir, handler }),
        }),
      ),
    );
  };

  test('its seeds write nothing the second time', async () => {
    const { files } = await fillDatabase();
    for (const { file, inserted, updated } of files)
      expect({ file, inserted, updated }).toEqual({ file, inserted: 0, updated: 0 });
    const { rows } = await withClient(server.local.admin, { applicationName: 'test' }, (admin) =>
      admin.query('select count(*)::int as n, max(id)::int as last from loans'),
    );
    expect(rows).toEqual([{ n: 2, last: 2 }]);
  });

  describeHttpContract(() => lambda.url);

  test('overdue, invoked as on its schedule, tells who has to be reminded', async () => {
    const result = await lambda.invoke('overdue', '{}');
    if ('throttled' in result) throw new Error(`throttled: ${result.throttled}`);
    const { overdue } = JSON.parse(result.payload.toString());
    expect(overdue).toEqual([
      {
        loan_id: 1,
        title: 'Moby-Dick; or, The Whale',
        borrower: 'Ada',
        email: 'ada@example.com',
        due_on: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/),
        // Seeded as lent 30 days ago for 21; midnight may pass in between.
        days_overdue: expect.toBeOneOf([9, 10]),
      },
    ]);
  });

  test.each(['api', 'overdue'])('%s tells by a probe which login a new connection has', async (name) => {
    const ask = async (event: object): Promise<unknown> => {
      const result = await lambda.invoke(name, JSON.stringify(event));
      if ('throttled' in result) throw new Error(`throttled: ${result.throttled}`);
      return JSON.parse(result.payload.toString());
    };
    expect(await ask({ 'lambdapg:probe': 1 })).toEqual({
      ...{ 'lambdapg:probe': 1, ok: true, user: 'library_a', role: 'library_app', runtime: '1.3.0' },
      application: expect.stringMatching(/^lpg\/.+\/[0-9a-f]{8}$/),
      server: expect.stringMatching(/^1\d\./),
    });
  });

  test('no request of the HTTP API is a probe', async () => {
    const body = '{"lambdapg:probe":1}';
    const answer = await fetch(`${lambda.url}/books?lambdapg:probe=1`, { method: 'POST', body });
    expect(answer.status).toBe(400);
  });

  test('a backend killed while the environment is frozen fails no request', async () => {
    expect((await fetch(`${lambda.url}/health`)).status).toBe(200);
    const killed = await withClient(server.local.admin, { applicationName: 'test' }, (admin) =>
      admin.query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'library_a'"),
    );
    expect(killed.rowCount).toBeGreaterThan(0);
    for (let round = 0; round < 5; round += 1) {
      expect((await fetch(`${lambda.url}/books/1`)).status).toBe(200);
    }
  });

  test('its own tests pass, and are found', async () => {
    const { scripts } = JSON.parse(await readFile(join(projectDir, 'package.json'), 'utf8'));
    const [, command = ''] = scripts.test.match(/^lambdapg dev -- (.+)$/) ?? [];
    const { all, exitCode } = await execa('sh', ['-c', command], {
      cwd: projectDir,
      all: true,
      reject: false,
      extendEnv: false,
      env: {
        API_URL: lambda.url,
        PATH: [join(projectDir, '.venv/bin'), join(projectDir, 'node_modules/.bin'), process.env.PATH].join(
          ':',
        ),
        PYTHONDONTWRITEBYTECODE: '1',
      },
    });
    expect(exitCode, all).toBe(0);
    expect(all).toMatch(/# pass 5$|ℹ pass 5$|5 passed/m);
  });

  test("the README's curl commands do what they say", async () => {
    const readme = await readFile(join(projectDir, 'README.md'), 'utf8');
    const commands = readme.split('\n').filter((line) => line.startsWith('curl '));
    expect(commands).toHaveLength(6);
    for (const command of commands) {
      const here = command.replace('curl ', 'curl -fsS ').replace('http://127.0.0.1:3000', lambda.url);
      const { stdout, exitCode } = await execa('sh', ['-c', here], { reject: false });
      expect({ command, exitCode }).toEqual({ command, exitCode: 0 });
      expect(JSON.parse(stdout)).toBeTypeOf('object');
    }
  });

  test('500: the caller learns nothing, the log everything', async () => {
    await withClient(server.local.admin, { applicationName: 'test' }, (admin) =>
      admin.query('alter table reviews rename to reviews_gone'),
    );
    const response = await fetch(`${lambda.url}/books/1`);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect(response.status).toBe(500);
    expect(error.code).toBe('internal');
    expect(error.message).toMatch(/^something went wrong; the log of request [0-9a-f-]{36} says what$/);
    const logged = context.events.map(({ message }) => message).join('\n');
    expect(logged).toContain('relation \\"reviews\\" does not exist');
    expect(logged).toContain(error.message.match(/[0-9a-f-]{36}/)?.[0]);
  });
}
