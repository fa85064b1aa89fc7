import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from './cli.ts';
import { devEnvironment, makeProject, processesOf } from './dev.ts';

describe('lambdapg migrate and seed', () => {
  test('bring schema and data, say what they did, and do nothing the second time', async () => {
    const project = await makeProject();
    const cli = (...args: string[]) => runCli(args, { cwd: project, env: devEnvironment() });

    const planned = await cli('migrate', '--dry-run');
    expect([planned.exitCode, planned.stdout]).toEqual([
      0,
      expect.stringMatching(/-- 0001_library\.sql\n[\s\S]*create table/i),
    ]);
    const unseeded = await cli('seed', '--json');
    expect([unseeded.exitCode, unseeded.json()]).toEqual([
      1,
      { error: expect.objectContaining({ message: expect.stringContaining('authors') }) },
    ]);

    expect((await cli('migrate', '--json')).json()).toMatchObject({
      dryRun: false,
      applied: [{ name: '0001_library.sql' }],
      alreadyApplied: 0,
    });
    expect((await cli('migrate')).stdout).toBe('nothing to apply; 1 applied before');
    expect((await cli('seed')).stdout).toMatch(/^[1-9]\d* inserted, 0 updated, 0 unchanged \(6 files\)$/);
    expect((await cli('seed', 'seeds/10_authors.csv')).stdout).toMatch(
      /^0 inserted, 0 updated, [1-9]\d* unchanged \(1 file\)$/,
    );

    const unasked = await cli('seed', '--truncate');
    expect([unasked.exitCode, unasked.stderr]).toEqual([2, expect.stringContaining('--confirm my-api')]);
    expect((await cli('seed', '--truncate', '--yes')).exitCode).toBe(2);
    expect((await cli('seed', '--truncate', '--confirm', 'other')).exitCode).toBe(1);
    expect((await cli('seed', '--truncate', '--confirm', 'my-api')).stdout).toMatch(
      /^[1-9]\d* inserted, 0 updated, 0 unchanged/,
    );
    expect(processesOf(project)).toEqual([]);
  });

  test('a failing statement is shown with file, line, column, caret and hint; a bad row with its value', async () => {
    const project = await makeProject();
    const cli = (...args: string[]) => runCli(args, { cwd: project, env: devEnvironment() });
    await writeFile(
      join(project, 'migrations/0002_fault.sql'),
      'create table fine (id int);\nselect nmae\n  from authors;\n',
    );
    const failed = await cli('migrate');
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain('migrations/0002_fault.sql:2:8');
    expect(failed.stderr).toMatch(/2 \| select nmae\n\s+\|\s+\^/);
    expect(failed.stderr).toMatch(/hint: .*"authors\.name"/i);
    await writeFile(join(project, 'seeds/10_authors.csv'), 'id,name\n1,Ada\nzwei,Grace\n');
    const bad = await cli('seed');
    expect(bad.exitCode).toBe(1);
    expect(bad.stderr).toMatch(/seeds\/10_authors\.csv line 3, column "id"/);
    expect(bad.stderr).toContain('zwei');
    expect(bad.stderr).toContain('id');
  });
});
