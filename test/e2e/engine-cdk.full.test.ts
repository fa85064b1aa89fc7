import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CliResult } from './cli.ts';
import { type EngineProject, startEngineProject } from './engine-project.ts';

async function succeed(running: Promise<CliResult>): Promise<CliResult> {
  const done = await running;
  expect(done.exitCode, done.stderr + done.stdout).toBe(0);
  return done;
}

async function edit({ dir }: EngineProject, file: string, change: (text: string) => string): Promise<void> {
  const path = join(dir, file);
  await writeFile(path, change(await readFile(path, 'utf8')));
}

/** A person's own resource in the CDK app. */
const withNote = (text: string): string =>
  `import { StringParameter } from 'aws-cdk-lib/aws-ssm';\n${text.replace(
    'addOutputs(this',
    "new StringParameter(this, 'Note', { parameterName: '/shop/note', stringValue: 'mine' });\n    addOutputs(this",
  )}`;

test('CDK by lambdapg: planned, deployed, asked, edited, refused while protected, taken away', async () => {
  const project = await startEngineProject(
    ['--engine', 'cdk', '--database', 'rds', '--language', 'node', '--auth', 'secret'],
    { pace: { default: 0, 'lambda.interface': 0 } },
  );
  const { run, engines, dir } = project;
  const { bed } = engines;

  const early = await run('deploy', '--yes', '--json');
  expect(early.json()).toMatchObject({
    error: {
      code: 'ENGINE_FAILED',
      suggestions: expect.arrayContaining([expect.stringContaining('cdk bootstrap')]),
    },
  });
  await engines.run('cdk', ['bootstrap', `aws://${bed.account}/${bed.region}`], { cwd: dir });
  const planned = await run('deploy', '--plan', '--json');
  expect([planned.exitCode, planned.json()]).toEqual([
    3,
    expect.objectContaining({ engine: 'cdk', toolVersion: expect.stringMatching(/^2\./), hasChanges: true }),
  ]);

  const deployed = await succeed(run('provision', '--yes', '--json'));
  // CDK's custom resource has filled the secrets and made the roles.
  expect(deployed.json()).toMatchObject({ filled: [], roles: false, health: { status: 200 } });
  const { url } = deployed.json() as { url: string };
  expect((await fetch(`${url}/books?limit=2`)).status).toBe(200);
  expect((await run('deploy', '--plan', '--json')).json()).toMatchObject({ hasChanges: false });
  await succeed(run('migrate', '--stage', 'dev'));
  const asked = await succeed(run('psql', '--stage', 'dev', '--csv', '-c', 'SELECT current_user'));
  expect(asked.stdout).toContain('shop_app');

  await edit(project, 'infra/stack.ts', withNote);
  expect(await run('deploy', '--plan', '--json')).toMatchObject({ exitCode: 3 });
  await succeed(run('deploy', '--yes'));
  const status = await succeed(run('status', '--no-prices', '--json'));
  expect(status.json()).toMatchObject({
    ...{ engine: 'cdk', outputs: { url, stage: 'dev' }, connections: { max: expect.any(Number) } },
    resources: expect.arrayContaining([expect.objectContaining({ title: 'AWS::SSM::Parameter /shop/note' })]),
  });

  const refused = await run('destroy', '--confirm', 'shop', '--json');
  expect(refused.json()).toMatchObject({ error: { code: 'DELETION_PROTECTED', exit: 1 } });
  await edit(project, 'lambdapg.json', (text) => {
    const config = JSON.parse(text) as { cloud: { database?: object } };
    config.cloud = {
      ...config.cloud,
      database: { ...config.cloud.database, ...{ deletionProtection: false } },
    };
    return JSON.stringify(config);
  });
  await succeed(run('deploy', '--yes'));
  const gone = await succeed(run('destroy', '--confirm', 'shop', '--json'));
  expect(gone.json()).toMatchObject({ unwanted: [] });
}, 1_200_000);
