import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startCloudBed } from './cloud-bed.ts';

test.each([15, 16, 18])(
  'PostgreSQL %i is provisioned, migrated and taken down',
  async (major) => {
    const { run, dir } = await startCloudBed();
    const file = join(dir, 'lambdapg.json');
    const config = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(file, JSON.stringify({ ...config, postgres: { version: major } }, null, 2));
    const must = async (...args: string[]) => {
      const result = await run(...args);
      expect(result.exitCode, result.stderr).toBe(0);
      return result;
    };
    await must('provision', '--yes', '--no-prices', '--proxy', '--multi-az');
    await must('migrate', '--stage', 'dev');
    const version = "SELECT current_setting('server_version_num')::int / 10000 AS major";
    expect((await must('psql', '--stage', 'dev', '--csv', '-c', version)).stdout).toBe(`major\n${major}`);
    expect((await must('provision', '--plan', '--no-prices', '--json')).json()).toMatchObject({
      plan: { changes: 0 },
    });
    expect((await must('destroy', '--confirm', 'shop', '--json')).json()).toMatchObject({ unwanted: [] });
  },
  180_000,
);
