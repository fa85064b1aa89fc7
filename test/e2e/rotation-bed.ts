import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { withClient } from '../../src/database/with-client.ts';
import { errorMessage } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';
import { zipOf } from '../bed/data-plane/zip.ts';
import { type LoadTarget, startLoad, warmUp } from '../rotation/load/load.ts';
import { writeLoadCode } from '../rotation/load/load-functions.ts';
import type { LoadReport } from '../rotation/load/load-report.ts';
import { emptyFolder } from './cli.ts';
import { type CloudBed, type CloudBedOptions, startCloudBed } from './cloud-bed.ts';

const runtimePython = fileURLToPath(new URL('../../templates/runtime-python', import.meta.url));

export interface RotationBedOptions extends CloudBedOptions {
  /** Flags of `provision`. */
  readonly provision?: readonly string[];
}

/** A provisioned and deployed stage, and three functions beside it that somebody else has made. */
export interface RotationBed {
  readonly cloud: CloudBed;
  readonly url: string;
  /** The function in Node and the one in Python that read the secret, and the one with variables behind an alias. */
  readonly targets: readonly LoadTarget[];
  /** Runs the command with what a test has no time for made short. @returns its exit code and what it prints */
  rotate(
    ...args: string[]
  ): Promise<{ readonly exitCode: number | undefined; readonly output: RotateOutput }>;
  /** What the label stands on, and why the database refuses it; empty when it does not. */
  login(
    label?: string,
  ): Promise<{ readonly username: string; readonly password: string; readonly refusal: string }>;
}

/** The part of the command's JSON that tests look at. */
export interface RotateOutput {
  readonly outcome?: string;
  readonly currentUser?: string;
  readonly effects?: readonly { readonly name: string }[];
  readonly consumers?: readonly { readonly id: string; readonly holds: string; readonly proved: boolean }[];
  readonly error?: { readonly code: string; readonly message: string };
}

/** Waits of a rotation, as short as the functions here allow: a cache of one second, requests of under one. */
export const shortTimes = ['--drain', '1500ms', '--canary', '50,100', '--soak', '200ms', '--patience', '60s'];

const listed = [
  { function: 'orders-node', alias: 'live', credentials: 'module' },
  { function: 'orders-python', alias: 'live', credentials: 'module' },
  { function: 'orders-env', alias: 'live', credentials: 'environment' },
];

export async function startRotationBed(options: RotationBedOptions = {}): Promise<RotationBed> {
  const cloud = await startCloudBed(options);
  const { plane } = cloud;
  const done = async (...args: string[]): Promise<unknown> => {
    const result = await cloud.run(...args, '--json');
    expect(result.exitCode, `${args.join(' ')}: ${result.stdout}${result.stderr}`).toBe(0);
    return result.json();
  };
  await done('provision', '--yes', '--no-prices', ...(options.provision ?? []));
  await done('migrate', '--stage', 'dev');
  await changeConfig(cloud, (config) => {
    config.cloud = { ...config.cloud, rotation: { consumers: listed } };
    for (const own of Object.values(config.functions)) own.environment = maxAge;
  });
  const { url } = (await done('deploy', '--yes')) as { url: string };
  await makeFunctions(cloud);
  const targets = listed.map(({ function: name, alias: qualifier }) => ({
    title: name,
    invoke: bounded((payload) => plane.functions.invoke({ name, qualifier, payload: Buffer.from(payload) })),
  }));
  return {
    ...{ cloud, url, targets },
    async rotate(...args) {
      const result = await cloud.run('rotate-creds', ...args, ...shortTimes, '--json');
      return { exitCode: result.exitCode, output: result.json() as RotateOutput };
    },
    login: (label = 'AWSCURRENT') => readLogin(cloud, label),
  };
}

/** Requests at a constant rate to all three functions while `work` goes on, and what became of them. */
export async function underLoad<T>(
  { targets }: RotationBed,
  load: { readonly perSecond: number; readonly environments: number },
  work: () => Promise<T>,
): Promise<{ readonly report: LoadReport; readonly result: T }> {
  await warmUp(targets, load.environments);
  const running = startLoad({ targets, perSecond: load.perSecond, holdMs: 200, reconnectsOfTen: 3 });
  try {
    return { result: await work(), report: await running.stop() };
  } finally {
    await running.stop();
  }
}

/**
 * As reserved concurrency does: a machine that stands still for some seconds lets its arrivals come in one moment, and an
 * environment for each of them would take the database's last connection. The usual load keeps three environments busy.
 */
const mostAtOnce = 12;

function bounded(invoke: LoadTarget['invoke']): LoadTarget['invoke'] {
  let running = 0;
  return async (payload) => {
    if (running >= mostAtOnce) return { throttled: 'ReservedFunctionConcurrentInvocationLimitExceeded' };
    running += 1;
    try {
      return await invoke(payload);
    } finally {
      running -= 1;
    }
  };
}

const maxAge = { LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS: '1' };

interface Config {
  cloud?: Record<string, unknown>;
  readonly functions: Record<string, { environment?: Record<string, string> }>;
}

export async function changeConfig({ dir }: CloudBed, change: (config: Config) => void): Promise<void> {
  const path = join(dir, 'lambdapg.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as Config;
  change(config);
  await writeFile(path, JSON.stringify(config, null, 2));
}

/** With the role and the network of the project's own function. */
async function makeFunctions(cloud: CloudBed): Promise<void> {
  const { bed, plane } = cloud;
  const lambda = <Output>(action: string, input: Record<string, unknown>): Promise<Output> =>
    bed.aws<Output>({ service: 'lambda', action, input, plain: false });
  const own = await lambda<Own>('GetFunctionConfiguration', {
    FunctionName: 'shop-dev-api',
    Qualifier: 'live',
  });
  const { Role, VpcConfig } = own;
  const { LAMBDAPG_SECRET_ARN = '', PGHOST = '', PGDATABASE = '' } = own.Environment.Variables;
  const place = { PGHOST, PGDATABASE, PGSSLROOTCERT: plane.caFile };
  const { username: PGUSER, password: PGPASSWORD } = await readLogin(cloud, 'AWSCURRENT');
  const codeDir = join(await emptyFolder(), 'code');
  await writeLoadCode(codeDir);
  const node = { 'index.mjs': await readFile(join(codeDir, 'index.mjs'), 'utf8') };
  const python = { 'python_handler.py': await readFile(join(codeDir, 'python_handler.py'), 'utf8') };
  const follows = { ...place, ...maxAge, LAMBDAPG_SECRET_ARN };
  const functions = [
    { name: 'orders-node', files: node, variables: { ...follows, LOAD_CLIENT: 'module' } },
    {
      name: 'orders-python',
      files: python,
      // The folder is the package's own: nothing may be written there.
      variables: { ...follows, PYTHONPATH: runtimePython, PYTHONDONTWRITEBYTECODE: '1' },
    },
    {
      name: 'orders-env',
      files: node,
      variables: { ...place, PGUSER, PGPASSWORD, LOAD_CLIENT: 'environment' },
    },
  ];
  for (const { name: FunctionName, files, variables: Variables } of functions) {
    const isPython = files === python;
    await lambda('CreateFunction', {
      ...{ FunctionName, Role, Timeout: 20, Environment: { Variables } },
      VpcConfig: { SubnetIds: VpcConfig.SubnetIds, SecurityGroupIds: VpcConfig.SecurityGroupIds },
      Runtime: isPython ? 'python3.13' : 'nodejs24.x',
      Handler: isPython ? 'python_handler.handler' : 'index.handler',
      Code: { ZipFile: (await zipOf(files)).toString('base64') },
    });
    await untilActive(lambda, FunctionName);
    const { Version } = await lambda<{ Version: string }>('PublishVersion', { FunctionName });
    await lambda('CreateAlias', { FunctionName, Name: 'live', FunctionVersion: Version });
  }
}

interface Own {
  readonly Role: string;
  readonly VpcConfig: { readonly SubnetIds: string[]; readonly SecurityGroupIds: string[] };
  readonly Environment: { readonly Variables: Record<string, string> };
}

async function untilActive(
  lambda: <Output>(action: string, input: Record<string, unknown>) => Promise<Output>,
  FunctionName: string,
): Promise<void> {
  for (;;) {
    const { State } = await lambda<{ State: string }>('GetFunctionConfiguration', { FunctionName });
    if (State === 'Active') return;
  }
}

async function readLogin({ bed, plane }: CloudBed, VersionStage: string): ReturnType<RotationBed['login']> {
  const { SecretString } = await bed.aws({
    ...{ service: 'secretsmanager', action: 'GetSecretValue' },
    input: { SecretId: 'shop-dev/active', VersionStage },
  });
  const { username, password } = JSON.parse(String(SecretString)) as { username: string; password: string };
  const [endpoint] = plane.databases.endpoints();
  const place = plane.findHost(endpoint?.name ?? '');
  if (endpoint === undefined || place === undefined) throw new Error('there is no database');
  const target = { ...place, database: 'shop', user: username, password: new Secret(password) };
  const tls = { ca: plane.ca, name: endpoint.name };
  const refusal = await withClient({ ...target, tls }, { applicationName: 'test' }, async () => '').catch(
    errorMessage,
  );
  return { username, password, refusal };
}
