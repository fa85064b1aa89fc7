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

const loginOf = async (project: EngineProject) =>
  JSON.parse(String(await secretOf(project))) as { username: string; password: string };

/** The one role that the provider gave has no second beside it: functions try the next password before it is the current one. */
async function rotateOneRole(project: EngineProject, former: string): ReturnType<typeof loginOf> {
  expect((await project.run('rotate-creds', '--yes', '--json')).json()).toMatchObject({
    error: { code: 'SINGLE_ROLE', suggestions: expect.arrayContaining([expect.stringContaining('next')]) },
  });
  const args = ['rotate-creds', '--strategy', 'next', '--yes', '--drain', '1s', '--json'];
  const done = await succeed(project.run(...args));
  expect(done.json()).toMatchObject({
    ...{ outcome: 'closed', strategy: 'next', currentUser: 'somebody', incidents: [] },
    consumers: ['api', 'overdue'].map((name) => ({
      ...{ id: `function shop-dev-${name}:live`, holds: 'current', proved: true },
    })),
  });
  const login = await loginOf(project);
  expect(login.username).toBe('somebody');
  expect(login.password).not.toBe(former);
  for (const secret of [former, login.password]) expect(done.stdout + done.stderr).not.toContain(secret);
  const status = await succeed(project.run('rotate-creds', '--status', '--json'));
  expect(status.json()).toMatchObject({
    isOpen: false,
    versions: [
      { label: 'current', login: 'ok' },
      { label: 'previous', login: 'bad' },
    ],
  });
  return login;
}

/** As a run leaves it that was killed when the database had the next password: the current one logs nobody in any more. */
async function changeUnfinished(project: EngineProject, current: string): Promise<void> {
  const SecretString = String(await secretOf(project)).replace(current, 'the-next-0ne');
  await project.engines.bed.aws({
    ...{ service: 'secretsmanager', action: 'PutSecretValue' },
    input: { SecretId: 'shop-dev/active', SecretString, VersionStages: ['AWSPENDING'] },
  });
  const server = project.engines.plane.databases.find('instance', 'elsewhere')?.server;
  await server?.asAdmin((client) => client.query("ALTER ROLE somebody PASSWORD 'the-next-0ne'"), 'books');
}

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

  const rotated = await rotateOneRole(project, password);
  expect((await fetch(`${url}/books?limit=2`)).status).toBe(200);
  await engines.run('osls', ['deploy', '--stage', 'dev'], { cwd: dir, environment: project.env });
  await succeed(run('deploy', '--yes', given));
  expect(await loginOf(project)).toEqual(rotated);
  expect((await fetch(`${url}/books?limit=2`)).status).toBe(200);
  const second = await rotateOneRole(project, rotated.password);
  await changeUnfinished(project, second.password);
  const resumed = await succeed(run('rotate-creds', '--resume', '--drain', '1s', '--json'));
  expect(resumed.json()).toMatchObject({
    ...{ outcome: 'closed', strategy: 'next', incidents: [] },
    effects: ['promote', 'prove', 'prove', 'clear-pending'].map((name) => ({ name })),
  });
  expect(await loginOf(project)).toEqual({ ...second, password: 'the-next-0ne' });
  expect((await fetch(`${url}/books?limit=2`)).status).toBe(200);

  expect(await run('destroy')).toMatchObject({ exitCode: 2 });
  const gone = await succeed(run('destroy', '--confirm', 'shop', '--json'));
  expect(gone.json()).toMatchObject({ unwanted: [], removed: expect.arrayContaining(['Note', 'HttpApi']) });
  expect(await run('destroy', '--plan')).toMatchObject({ exitCode: 0 });
}, 900_000);
