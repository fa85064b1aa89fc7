import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SecretsManagerClient, UpdateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { expect, test, vi } from 'vitest';
import { Secret } from '../../src/secret.ts';
import type { LoggedRequest } from '../bed/bed.ts';
import { clientOptions } from '../bed/sdk.ts';
import { findLeaks, readCommandLines, readFolder } from '../rotation/leak-scan.ts';
import { emptyFolder } from './cli.ts';
import { type RotationBed, shortTimes, startRotationBed } from './rotation-bed.ts';

/** Texts of places where no password may be, by the place's name. */
type Channels = Record<string, string>;

const debugging = { DEBUG: '*' };

interface Scene {
  readonly bed: RotationBed;
  /** Temporary files and the cache of the command. */
  readonly own: string;
  /** What the command printed, by what it was called with. */
  readonly printed: Channels;
  /** Command lines that were seen. */
  readonly commandLines: Set<string>;
}

test('rotate-creds: no password shows in output, files, arguments, requests, functions, logs, SQL', async () => {
  const bed = await startRotationBed({ plane: { checksNetwork: false } });
  const scene: Scene = { bed, own: await emptyFolder(), printed: {}, commandLines: new Set() };
  const { cloud } = bed;
  const { server } = databaseOf(bed);
  await server.asAdmin(async (client) => {
    await client.query("ALTER SYSTEM SET log_statement = 'all'");
    await client.query('SELECT pg_reload_conf()');
  });
  const secrets = new Set(await storedPasswords(bed));
  await cloud.bed.clearRequests();
  const watching = setInterval(() => look(scene), 500);
  try {
    expect(await run(scene, debugging, '--yes', '--json')).toBe(0);
    for (const secret of await storedPasswords(bed)) secrets.add(secret);
    await cloud.bed.fault({
      ...{ service: 'secretsmanager', action: 'UpdateSecretVersionStage', kind: 'error', count: -1 },
      ...{ code: 'InvalidRequestException', message: 'out of order', status: 400 },
    });
    expect(await run(scene, debugging, '--yes')).not.toBe(0);
    expect(await run(scene, {}, '--resume', '--json')).not.toBe(0);
    await cloud.bed.clearFaults();
    expect(await run(scene, {}, '--status')).toBe(0);
    for (const secret of await storedPasswords(bed)) secrets.add(secret);
    for (const secret of await putPasswords(bed)) secrets.add(secret);

    const channels = await readChannels(scene);
    // It was looked where something is to be seen.
    expect(channels).toMatchObject({
      '--yes --json': expect.stringMatching(/oclif.*"outcome": "closed"|"outcome": "closed".*oclif/s),
      '--yes': expect.stringMatching(/out of order.*oclif|oclif.*out of order/s),
      '--resume --json': expect.stringContaining('out of order'),
      '--status': expect.stringContaining('shop_a'),
      "PostgreSQL's log": expect.stringContaining(`ALTER ROLE "shop_b" LOGIN PASSWORD 'SCRAM-SHA-256$`),
      "PostgreSQL's statements": expect.stringContaining('ALTER ROLE "shop_b"'),
      'files of the project': expect.stringContaining('"put-pending"'),
      'command lines': expect.stringContaining('rotate-creds'),
      'requests of lambda:UpdateFunctionConfiguration': expect.stringContaining('orders-env'),
      'log of orders-python:live': expect.stringContaining('START RequestId'),
      'log of orders-env:$LATEST': expect.stringContaining('START RequestId'),
      'requests of secretsmanager:PutSecretValue': expect.stringContaining('AWSPENDING'),
    });
    // Of the master, the first login, and two new ones.
    expect(secrets.size).toBeGreaterThanOrEqual(4);
    const all = [...secrets].map((secret) => new Secret(secret));
    expect(findLeaks(channels, all)).toEqual([]);

    const planted = new Secret(`planted p@ss/w+rd's "%"`);
    await plant(scene, planted.reveal());
    const found = findLeaks(await readChannels(scene), [planted]).map((leak) => leak.replace(/: [^:]*$/, ''));
    expect([...new Set(found)].sort()).toEqual([
      `--strategy ${planted.reveal()}`,
      `--strategy ${planted.reveal()} --json`,
      "PostgreSQL's log",
      "PostgreSQL's statements",
      'command lines',
      'configuration of orders-env',
      'files of the command',
      'files of the project',
      'log of orders-env:$LATEST',
      'requests of secretsmanager:UpdateSecret',
    ]);
  } finally {
    clearInterval(watching);
  }
}, 600_000);

function look({ commandLines }: Scene): void {
  for (const line of readCommandLines().split('\n')) commandLines.add(line);
}

/** @returns the exit code */
async function run(
  { bed, own, printed }: Scene,
  more: Record<string, string>,
  ...args: string[]
): Promise<number | undefined> {
  const env = { LAMBDAPG_CACHE_DIR: join(own, 'cache'), TMPDIR: join(own, 'tmp'), ...more };
  await mkdir(env.TMPDIR, { recursive: true });
  const { exitCode, stdout, stderr } = await bed.cloud.run('rotate-creds', ...args, ...shortTimes, { env });
  printed[args.join(' ')] = `${stdout}\n${stderr}`;
  return exitCode;
}

function databaseOf({ cloud }: RotationBed) {
  const database = cloud.plane.databases.find('instance', 'shop-dev-db');
  if (database?.server === undefined) throw new Error('there is no database');
  return { server: database.server };
}

/** What stands under a label of any secret now; RDS's own among them. */
async function storedPasswords({ cloud }: RotationBed): Promise<string[]> {
  const { SecretList } = await cloud.bed.aws<{ SecretList: { ARN: string }[] }>({
    ...{ service: 'secretsmanager', action: 'ListSecrets' },
  });
  const labels = ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'];
  const asked = SecretList.flatMap(({ ARN }) =>
    labels.map((VersionStage) => ({ SecretId: ARN, VersionStage })),
  );
  const texts = await Promise.all(
    asked.map((input) =>
      cloud.bed
        .aws<{ SecretString: string }>({
          ...{ service: 'secretsmanager', action: 'GetSecretValue', input, plain: false },
        })
        .then(({ SecretString }) => SecretString)
        .catch(() => undefined),
    ),
  );
  return texts.flatMap((text) => (text === undefined ? [] : [passwordIn(text)]));
}

/** What the command has put into a secret, whatever became of it. */
async function putPasswords({ cloud }: RotationBed): Promise<string[]> {
  const requests = await cloud.bed.requests();
  return requests
    .filter(({ action }) => action === 'PutSecretValue')
    .map(({ input }) => passwordIn(String(input.SecretString)));
}

const passwordIn = (text: string): string => (JSON.parse(text) as { password: string }).password;

async function readChannels(scene: Scene): Promise<Channels> {
  const { bed, own, printed, commandLines } = scene;
  const { server } = databaseOf(bed);
  const statements = await server.asAdmin(async (client) => {
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    return client.query<{ query: string }>('SELECT query FROM pg_stat_statements');
  });
  look(scene);
  return {
    ...printed,
    "PostgreSQL's log": await server.readLog(),
    "PostgreSQL's statements": statements.rows.map(({ query }) => query).join('\n'),
    'files of the project': readFolder(join(bed.cloud.dir, '.lambdapg')),
    'files of the command': readFolder(own),
    'command lines': [...commandLines].join('\n'),
    ...(await readRequests(bed)),
    ...(await readFunctions(bed)),
  };
}

/** Everything that was sent to AWS but where a password has to stand: a secret's value, the variables of who has no other way. */
async function readRequests({ cloud }: RotationBed): Promise<Channels> {
  const channels: Channels = {};
  for (const request of await cloud.bed.requests()) {
    const name = `requests of ${request.service}:${request.action}`;
    const { input, ...rest } = request;
    channels[name] =
      `${channels[name] ?? ''}${JSON.stringify({ ...rest, input: withoutRightful(request) })}\n`;
  }
  return channels;
}

function withoutRightful({ action, input }: LoggedRequest): Record<string, unknown> {
  if (action === 'PutSecretValue') return { ...input, SecretString: '' };
  const isOfEnvironment = action === 'UpdateFunctionConfiguration' && input.FunctionName === 'orders-env';
  return isOfEnvironment ? withoutPassword(input) : input;
}

function withoutPassword(configuration: Record<string, unknown>): Record<string, unknown> {
  const { Variables } = configuration.Environment as { Variables: Record<string, string> };
  const { PGPASSWORD: _rightful, ...others } = Variables;
  return { ...configuration, Environment: { Variables: others } };
}

const asked = [
  { function: 'orders-node', qualifier: 'live' },
  { function: 'orders-python', qualifier: 'live' },
  { function: 'orders-env', qualifier: 'live' },
  { function: 'orders-env', qualifier: '$LATEST' },
];

/** Configuration of each function; answer and log of those that are asked for a new connection. */
async function readFunctions({ cloud: { bed, plane } }: RotationBed): Promise<Channels> {
  const channels: Channels = {};
  const { Functions } = await bed.aws<{ Functions: Record<string, unknown>[] }>({
    ...{ service: 'lambda', action: 'ListFunctions', input: { FunctionVersion: 'ALL' } },
  });
  for (const shown of Functions) {
    const name = `configuration of ${shown.FunctionName}`;
    const rest = shown.FunctionName === 'orders-env' ? withoutPassword(shown) : shown;
    channels[name] = `${channels[name] ?? ''}${JSON.stringify(rest)}\n`;
  }
  for (const { function: name, qualifier } of asked) {
    const payload = Buffer.from(JSON.stringify({ reconnect: true }));
    const result = await plane.functions.invoke({ name, qualifier, payload });
    if ('throttled' in result) throw new Error(`${name} is busy`);
    const log = Buffer.from(result.logTail, 'base64').toString();
    channels[`log of ${name}:${qualifier}`] = `${result.payload}\n${log}`;
  }
  return channels;
}

/** Into every channel, by the way that a leak would take. */
async function plant(scene: Scene, plain: string): Promise<void> {
  const { bed, own } = scene;
  const { bed: aws, dir } = bed.cloud;
  await run(scene, {}, '--strategy', plain);
  await run(scene, {}, '--strategy', plain, '--json');
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', plain], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await vi.waitFor(() => {
    look(scene);
    expect([...scene.commandLines].join('\n')).toContain(plain);
  }, 10_000);
  child.kill('SIGKILL');
  await ended;
  await databaseOf(bed).server.asAdmin((client) =>
    client.query(`ALTER ROLE shop_a PASSWORD '${plain.replaceAll("'", "''")}'`),
  );
  await writeFile(join(dir, '.lambdapg', 'planted.jsonl'), JSON.stringify({ plain }));
  await writeFile(join(own, 'planted'), Buffer.from(plain).toString('hex'));
  const secrets = new SecretsManagerClient(clientOptions(aws));
  await secrets.send(new UpdateSecretCommand({ SecretId: 'shop-dev/active', Description: plain }));
  const lambda = { service: 'lambda', action: 'UpdateFunctionConfiguration' };
  const FunctionName = 'orders-env';
  const { environment } = await aws.functionCode(FunctionName);
  const Environment = { Variables: { ...environment, PGUSER: plain } };
  await aws.aws({ ...lambda, input: { FunctionName, Environment }, plain: false });
}
