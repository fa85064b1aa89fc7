import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { functionEnvironment } from '../../../src/local/function-environment.ts';
import { startProxyBed } from './proxy-bed.ts';

const repository = join(import.meta.dirname, '../../..');

test('psycopg: queries, pipelines and COPY do not pin; its named statements and cursors do', async () => {
  const bed = await startProxyBed();
  try {
    await bed.admin('create table things (id int)');
    await bed.admin('grant all on things to library_app');
    const proxy = await bed.startProxy({ maxConnections: 1 });
    const child = spawn(
      join(repository, '.venv/bin/python'),
      [join(import.meta.dirname, 'psycopg_client.py')],
      { env: await functionEnvironment(proxy.target, bed.local.caFile), stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const exited = once(child, 'exit');
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => {
      const { value } = await lines.next();
      return { ...JSON.parse(value), pins: proxy.metrics().pins };
    };
    const goOn = () => child.stdin.write('\n');
    expect(await next()).toEqual({
      step: 'plain',
      plain: 9,
      pipeline: Array.from({ length: 20 }, (_, at) => at * 2),
      copied: 1000,
      binary: 7,
      pins: {},
    });
    goOn();
    expect(await next()).toEqual({ step: 'prepared', pins: { 'prepared-statement': 1 } });
    goOn();
    expect(await next()).toEqual({ step: 'cursor', pins: { 'prepared-statement': 1, cursor: 1 } });
    goOn();
    expect(await next()).toMatchObject({
      options: expect.stringContaining("RDS Proxy currently doesn't support command-line options."),
      encoding: expect.stringContaining('klingon'),
      password: expect.stringContaining('The password that was provided for the role library_a is wrong.'),
    });
    expect(await exited).toEqual([0, null]);
  } finally {
    await bed.cleanUp();
  }
});
