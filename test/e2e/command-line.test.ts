import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { emptyFolder, repository, runCli } from './cli.ts';

const cwd = repository;

describe('the command line', () => {
  test('--help lists the commands, offline', async () => {
    const { stdout, exitCode } = await runCli(['--help'], { cwd });
    expect(exitCode).toBe(0);
    for (const command of ['init', 'dev', 'migrate', 'seed', 'autocomplete'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  test('--version names the version, the platform and the Node', async () => {
    const { stdout } = await runCli(['--version'], { cwd });
    expect(stdout).toMatch(/^lambdapg\/0\.1\.0 \S+ node-v/);
  });

  test('an unknown command suggests the nearest and exits 2', async () => {
    const { stderr, exitCode } = await runCli(['mirgate'], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('unknown command "mirgate"');
    expect(stderr).toContain('lambdapg migrate');
  });

  test('an unknown flag exits 2, in JSON too', async () => {
    expect((await runCli(['init', '--nope'], { cwd })).exitCode).toBe(2);
    const { exitCode, json } = await runCli(['init', '--nope', '--json'], { cwd });
    expect(exitCode).toBe(2);
    expect(json()).toMatchObject({ error: { code: 'USAGE', exit: 2 } });
  });

  test('no project here: exit 2 and what to do', async () => {
    const { exitCode, json } = await runCli(['migrate', '--json'], { cwd: await emptyFolder() });
    expect(exitCode).toBe(2);
    expect(json()).toMatchObject({
      error: { code: 'NO_PROJECT', suggestions: expect.arrayContaining([expect.stringContaining('init')]) },
    });
  });

  test('autocomplete writes its scripts for bash and names every command', async () => {
    const home = await emptyFolder();
    const { exitCode, stdout } = await runCli(['autocomplete', 'bash'], {
      cwd,
      env: { HOME: home, LAMBDAPG_CACHE_DIR: join(home, 'cache'), SHELL: '/bin/bash' },
    });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('autocomplete');
    const script = execFileSync('find', [home, '-name', 'lambdapg.bash'], { encoding: 'utf8' }).trim();
    expect(readFileSync(script, 'utf8')).toContain('migrate');
  });

  test("the README's command help is current", () => {
    execFileSync(process.execPath, [join(repository, 'scripts/write-readme.js'), '--check'], {
      stdio: 'pipe',
    });
  });

  test('an old Node is told what it is', () => {
    const text = readFileSync(join(repository, 'bin/run.js'), 'utf8').replace(
      'process.versions.node.split',
      '"18.20.4".split',
    );
    expect(text).toContain('"18.20.4"');
    const code = `try { await import('data:text/javascript,' + encodeURIComponent(${JSON.stringify(text)})) } catch (e) { console.error(e) }`;
    const run = () =>
      execFileSync(process.execPath, ['--input-type=module', '-e', code], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
    expect(run).toThrow(/needs Node 20\.19 or newer/);
  });
});
