import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { policyFor } from '../../src/providers/aws/permissions/policy.ts';
import { coveredBy } from '../providers/aws/permissions/covered-by.ts';
import type { CliResult } from './cli.ts';
import { type EngineProject, startEngineProject } from './engine-project.ts';

const password = 'a-password-0f-somebody';

/** A PostgreSQL that is none of the stage's, with a password that its owner knows. @returns its URL */
async function makeDatabase({ engines, dir }: EngineProject): Promise<string> {
  const { AWS_ENDPOINT_URL = '' } = engines.environment;
  const rds = async (action: string, ...args: string[]): Promise<string> => {
    // AWS CLI 1 does not look at AWS_ENDPOINT_URL here.
    const common = ['--endpoint-url', AWS_ENDPOINT_URL, '--output', 'text'];
    const id = ['--db-instance-identifier', 'elsewhere'];
    return (await engines.run('aws', ['rds', action, ...common, ...id, ...args], { cwd: dir })).stdout.trim();
  };
  await rds(
    'create-db-instance',
    ...['--db-name', 'books', '--allocated-storage', '20', '--db-instance-class', 'db.t4g.micro'],
    ...['--engine', 'postgres', '--engine-version', '17.9'],
    ...['--master-username', 'somebody', '--master-user-password', password],
  );
  const host = await rds('describe-db-instances', '--query', 'DBInstances[0].Endpoint.Address');
  return `postgres://somebody:${password}@${host}:5432/books`;
}

const secretOf = async ({ engines }: EngineProject): Promise<unknown> =>
  (
    await engines.bed.aws({
      ...{ service: 'secretsmanager', action: 'GetSecretValue', input: { SecretId: 'shop-dev/active' } },
    })
  ).SecretString;

async function succeed(running: Promise<CliResult>): Promise<CliResult> {
  const done = await running;
  expect(done.exitCode, done.stderr + done.stdout).toBe(0);
  return done;
}

test('a database that has a URL: refused without it, filled once, worked on by stage, edited and taken away', async () => {
  const project = await startEngineProject(['--template', 'serverless-heroku', '--database', 'url'], {
    checksNetwork: false,
  });
  const { run, engines, dir } = project;
  const early = await run('deploy', '--yes', '--json');
  expect(early.json()).toMatchObject({ error: { code: 'SECRET_EMPTY', exit: 1 } });
  const touched = (await engines.bed.requests()).filter(({ service }) => service === 'cloudformation');
  expect(touched).toEqual([]);

  const given = { env: { DATABASE_URL: await makeDatabase(project) } };
  const deployed = await succeed(run('deploy', '--yes', '--json', given));
  expect(deployed.json()).toMatchObject({
    ...{ engine: 'serverless', filled: ['shop-dev/active'], roles: false, health: { status: 200 } },
  });
  const { url } = deployed.json() as { url: string };
  const value = await secretOf(project);
  expect(JSON.parse(String(value))).toMatchObject({
    username: 'somebody',
    password,
    port: 5432,
    dbname: 'books',
  });
  expect(JSON.stringify([deployed.stdout, deployed.stderr])).not.toContain(password);

  await succeed(run('migrate', '--stage', 'dev'));
  await succeed(run('seed', '--stage', 'dev'));
  const counted = await succeed(
    run('psql', '--stage', 'dev', '--csv', '-c', 'SELECT count(*) > 0 FROM books'),
  );
  expect(counted.stdout).toMatch(/\nt\b/);
  expect((await fetch(`${url}/books?limit=2`)).status).toBe(200);

  const login = join(dir, 'infra/login.yml');
  const text = await readFile(login, 'utf8');
  const own =
    '  Note:\n    Type: AWS::SSM::Parameter\n    Properties: { Name: /shop/note, Type: String, Value: mine }\n';
  await writeFile(login, text.replace('Resources:\n', `Resources:\n${own}`));
  const other = { env: { DATABASE_URL: 'postgres://nobody:other@example.com/none' } };
  const again = await succeed(run('deploy', '--yes', other));
  expect(again.stderr).toContain('shop-dev/active has a value already');
  expect(await secretOf(project)).toEqual(value);
  await engines.bed.clearRequests();
  const status = await succeed(run('status', '--no-prices', '--json'));
  const target = { project: 'shop', stage: 'dev', account: engines.bed.account, partition: 'aws' };
  const policies = policyFor(['engine-status'], { ...target, region: 'us-east-1' });
  const asked = await engines.bed.requests();
  expect(await coveredBy(policies, asked, { ...target, region: 'us-east-1' })).toEqual([]);
  expect(status.json()).toMatchObject({
    ...{ engine: 'serverless', outputs: { url, stage: 'dev' }, connections: { max: expect.any(Number) } },
    resources: expect.arrayContaining([expect.objectContaining({ id: 'Note', state: 'ready' })]),
  });

  expect(await run('destroy')).toMatchObject({ exitCode: 2 });
  const gone = await succeed(run('destroy', '--confirm', 'shop', '--json'));
  expect(gone.json()).toMatchObject({ unwanted: [], removed: expect.arrayContaining(['Note', 'HttpApi']) });
  expect(await run('destroy', '--plan')).toMatchObject({ exitCode: 0 });
}, 600_000);
