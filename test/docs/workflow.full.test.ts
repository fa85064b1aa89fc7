import { chmod, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { built, emptyFolder, plainEnvironment } from '../e2e/cli.ts';
import { type CloudBed, startCloudBed } from '../e2e/cloud-bed.ts';
import { checkWorkflow, readBlocks } from './ci-page.ts';

const [page = ''] = await readBlocks('yaml');
const workflow = await checkWorkflow(page);

test('the workflow of docs/ci.md plans and deploys, with the permissions of the page', async () => {
  const cloud = await startCloudBed();
  const { run } = cloud;
  const policiesFor = async (...args: string[]): Promise<unknown[]> =>
    (await run(...args, '--iam-policy', '--stage', 'prod', '--json')).json() as unknown[];
  const looks = await policiesFor('provision', '--plan');
  const changes = [...(await policiesFor('provision')), ...(await policiesFor('deploy'))];

  const first = await runJob(cloud, 'plan', looks);
  expect(first.gh).toBe('pr comment 7 --edit-last --create-if-none --body-file comment.md');
  expect(first.comment).toMatch(/^### lambdapg provision, stage prod\n- \*\*create\*\* VPC shop-prod/);
  expect(first.comment).toMatch(/\n\d\d to do\. \d+ connections may be needed at once/);
  expect(await cloud.changes()).toEqual([]);

  await runJob(cloud, 'deploy', changes);
  const status = await run('status', '--stage', 'prod', '--no-prices', '--json');
  expect(status.json()).toMatchObject({ drifted: 0, outputs: { url: expect.stringContaining('http') } });

  const second = await runJob(cloud, 'plan', looks);
  expect(second.comment).toContain('\n1 to do.');
  expect(second.comment).toContain(
    '- **verify** roles of shop in the database: secretsmanager:GetSecretValue',
  );
}, 240_000);

interface JobResult {
  readonly comment: string;
  /** What GitHub's command line was called with. */
  readonly gh: string;
}

/** Runs a job's scripts as a runner of GitHub does: `bash -e`, no way into the VPC, the job's role and nothing more. */
async function runJob(
  { bed, dir, env: { LAMBDAPG_DB_HOST_MAP: _tunnel, ...env } }: CloudBed,
  job: string,
  policies: readonly unknown[],
): Promise<JobResult> {
  await bed.allowOnly(policies);
  const bin = await makePrograms();
  for (const { script, variables } of workflow.scripts.get(job) ?? []) {
    if (script === 'npm ci') continue;
    const own = Object.fromEntries(variables.map((name) => [name, '7']));
    const ran = await execa('bash', ['-e', '-c', script], {
      cwd: dir,
      env: {
        ...{ ...plainEnvironment(), ...env, ...own, CI: 'true', LAMBDAPG_STAGE: 'prod' },
        PATH: `${bin}${delimiter}${process.env.PATH}`,
      },
      extendEnv: false,
      reject: false,
    });
    expect(ran.exitCode, `${script}\n${ran.stderr}`).toBe(0);
  }
  await bed.allowOnly(null);
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  return { comment: await read(join(dir, 'comment.md')), gh: (await read(join(bin, 'gh.log'))).trim() };
}

/** `npx lambdapg` is the one under test, and GitHub's command line writes down what it is asked for. */
async function makePrograms(): Promise<string> {
  const bin = await emptyFolder();
  const programs = {
    npx: `shift; exec "${process.execPath}" "${built}" "$@"`,
    gh: `echo "$@" >> "${bin}/gh.log"`,
  };
  for (const [name, line] of Object.entries(programs)) {
    const file = join(bin, name);
    await writeFile(file, `#!/bin/sh\n${line}\n`);
    await chmod(file, 0o755);
  }
  return bin;
}
