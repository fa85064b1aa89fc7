import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateDBInstanceCommand,
  CreateDBProxyCommand,
  RDSClient,
  RegisterDBProxyTargetsCommand,
} from '@aws-sdk/client-rds';
import { bundleRotation } from '../../../../../scripts/bundle-runner.js';
import { quoteLiteral } from '../../../../../src/database/identifier.ts';
import { scramVerifier } from '../../../../../src/database/scram.ts';
import { withClient } from '../../../../../src/database/with-client.ts';
import { getProject } from '../../../../../src/project/find-project.ts';
import { openAws } from '../../../../../src/providers/aws/clients.ts';
import { describeInstance } from '../../../../../src/providers/aws/describe-database.ts';
import { openWorld } from '../../../../../src/providers/aws/open-world.ts';
import { rotationEndpoints } from '../../../../../src/providers/aws/rotation/endpoints.ts';
import {
  emitRotationFunction,
  isOwnRotationFunction,
} from '../../../../../src/providers/aws/rotation/rotation-function/emit.ts';
import { settingsVariable } from '../../../../../src/providers/aws/rotation/rotation-function/rotation-function-settings.ts';
import { instanceHave } from '../../../../../src/providers/aws/steps/database.ts';
import { Secret } from '../../../../../src/secret.ts';
import { type Bed, startBed } from '../../../../bed/bed.ts';
import { type DataPlane, startDataPlane } from '../../../../bed/data-plane/data-plane.ts';
import type { RdsServer } from '../../../../bed/data-plane/rds-server.ts';
import { clientOptions } from '../../../../bed/sdk.ts';
import { makeTempDir, testContext } from '../../../../postgres-server.ts';

type Input = Record<string, unknown>;

export interface Rotation {
  readonly token: string;
  readonly state: 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly steps: readonly { readonly step: string; readonly error?: string }[];
}

/** A stage with one database and one secret, and the rotation function that lambdapg wrote for it, in an account. */
export interface RotationFunctionBed {
  readonly bed: Bed;
  readonly plane: DataPlane;
  readonly server: RdsServer;
  /** The folder of `--emit-lambda`. */
  readonly dir: string;
  readonly secretArn: string;
  aws<Output = Input>(service: string, action: string, input: Input): Promise<Output>;
  /** Emits, and makes the function as the README says; changes are to its configuration. */
  install(): Promise<void>;
  /** Starts one and waits for its end. */
  rotate(input?: Input): Promise<Rotation>;
  /** Each step has 8 seconds, until one has failed: then there is time to wait for the lease of one that was killed. */
  rotateKilled(): Promise<Rotation>;
  lastRotation(): Promise<Rotation>;
  configure(change: { readonly drainSeconds?: number; readonly timeoutSeconds?: number }): Promise<void>;
  /** One step of a rotation, past Secrets Manager. @returns the error's text, or undefined */
  step(step: string, token: string): Promise<string | undefined>;
  /** Whether a look before `rotate-creds` takes that function for lambdapg's. */
  isOwn(functionArn: string): Promise<boolean>;
  labels(): Promise<Record<string, readonly string[]>>;
  login(stage?: string): Promise<{ username: string; password: string }>;
  /** What the database says to a login. */
  tryLogin(login: { username: string; password: string }): Promise<string>;
  close(): Promise<void>;
}

const name = 'shop-dev-rotation';
const tags = [
  { Key: 'lambdapg:project', Value: 'shop' },
  { Key: 'lambdapg:stage', Value: 'dev' },
];
const config = {
  ...{ name: 'shop', template: 'api-node', language: 'node', runtime: 'nodejs24.x' },
  functions: { api: { handler: 'src/api.handler' } },
};

/** @param proxied behind RDS Proxy, with a secret for each slot */
export async function startRotationFunctionBed(proxied = false): Promise<RotationFunctionBed> {
  const folder = await makeTempDir();
  const [bed] = await Promise.all([
    startBed({ pace: { default: 0 } }),
    bundleRotation({ outfile: join(folder, 'dist/rotation/index.mjs') }),
    writeFile(join(folder, 'lambdapg.json'), JSON.stringify({ ...config, cloud: { proxy: proxied && {} } })),
  ]);
  const plane = await startDataPlane(bed, { checksNetwork: false });
  const aws = <Output = Input>(service: string, action: string, input: Input): Promise<Output> =>
    bed.aws<Output>({ service, action, input, plain: false });
  // By clients: the data plane sees no other calls.
  await new RDSClient(clientOptions(bed)).send(
    new CreateDBInstanceCommand({
      ...{ DBInstanceIdentifier: 'shop-dev-db', Engine: 'postgres', DBName: 'shop', Tags: tags },
      ...{ DBInstanceClass: 'db.t4g.micro', AllocatedStorage: 20, EngineVersion: '17' },
      ...{ MasterUsername: 'lambdapg_admin', ManageMasterUserPassword: true },
    }),
  );
  const lambda = new LambdaClient(clientOptions(bed));
  const { server } = plane.databases.find('instance', 'shop-dev-db') ?? {};
  if (server === undefined) throw new Error('there is no server');
  const first = 'first-password-of-the-slot-a';
  await server.asAdmin(async (client) => {
    await client.query(
      `CREATE ROLE shop_owner; CREATE ROLE shop_app; GRANT shop_owner, shop_app TO lambdapg_admin WITH ADMIN OPTION;
       CREATE ROLE shop_a LOGIN NOINHERIT PASSWORD ${quoteLiteral(scramVerifier(new Secret(first)))} IN ROLE shop_app;
       CREATE ROLE shop_b LOGIN NOINHERIT IN ROLE shop_app;
       GRANT shop_a, shop_b TO lambdapg_admin WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;
       GRANT pg_read_all_stats, pg_signal_backend TO lambdapg_admin;
       ALTER ROLE shop_a SET role = 'shop_app'; ALTER ROLE shop_b SET role = 'shop_app';`,
    );
  });
  const { ARN: secretArn } = await aws<{ ARN: string }>('secretsmanager', 'CreateSecret', {
    ...{ Name: 'shop-dev/active', Tags: tags },
    SecretString: JSON.stringify({ username: 'shop_a', password: first, engine: 'postgres', kept: 'yes' }),
  });
  if (proxied) await addProxy({ bed, server, aws }, first);
  const dir = join(folder, 'emitted');
  const latestRotation = async (): Promise<Rotation | undefined> =>
    (await bed.control<Rotation[]>('rotations', { region: bed.region, secret: secretArn })).at(-1);
  const made: RotationFunctionBed = {
    ...{ bed, plane, server, dir, secretArn, aws },
    install: () => install({ bed, plane, folder, dir, aws }),
    async rotate(input = {}) {
      await aws('secretsmanager', 'RotateSecret', { SecretId: secretArn, ...input });
      return made.lastRotation();
    },
    async rotateKilled() {
      await made.configure({ timeoutSeconds: 8 });
      await aws('secretsmanager', 'RotateSecret', { SecretId: secretArn });
      while (!(await latestRotation())?.steps.some(({ error }) => error !== undefined)) await sleep(50);
      await made.configure({ timeoutSeconds: 120 });
      return made.lastRotation();
    },
    async lastRotation() {
      for (;;) {
        const last = await latestRotation();
        if (last !== undefined && last.state !== 'running') return last;
        await sleep(50);
      }
    },
    async configure({ drainSeconds, timeoutSeconds }) {
      const { Environment } = await aws<{ Environment: { Variables: Record<string, string> } }>(
        ...(['lambda', 'GetFunctionConfiguration'] as const),
        { FunctionName: name },
      );
      const settings = JSON.parse(Environment.Variables[settingsVariable] ?? '{}');
      const changed = { ...settings, ...(drainSeconds !== undefined && { drainSeconds }) };
      await aws('lambda', 'UpdateFunctionConfiguration', {
        ...{ FunctionName: name, ...(timeoutSeconds !== undefined && { Timeout: timeoutSeconds }) },
        Environment: { Variables: { [settingsVariable]: JSON.stringify(changed) } },
      });
    },
    async step(Step, ClientRequestToken) {
      const event = { Step, SecretId: secretArn, ClientRequestToken };
      const asked = Buffer.from(JSON.stringify(event));
      const { FunctionError, Payload } = await lambda.send(
        new InvokeCommand({ FunctionName: name, Payload: asked }),
      );
      const text = Buffer.from(Payload ?? '').toString();
      return FunctionError === undefined
        ? undefined
        : (JSON.parse(text) as { errorMessage: string }).errorMessage;
    },
    async isOwn(functionArn) {
      Object.assign(process.env, bed.environment);
      return isOwnRotationFunction(await openAws({ region: bed.region }))(functionArn);
    },
    async labels() {
      const { VersionIdsToStages } = await aws<{ VersionIdsToStages: Record<string, string[]> }>(
        ...(['secretsmanager', 'DescribeSecret'] as const),
        { SecretId: secretArn },
      );
      return VersionIdsToStages;
    },
    async login(VersionStage = 'AWSCURRENT') {
      const { SecretString } = await aws<{ SecretString: string }>('secretsmanager', 'GetSecretValue', {
        ...{ SecretId: secretArn, VersionStage },
      });
      return JSON.parse(SecretString) as { username: string; password: string };
    },
    async tryLogin({ username, password }) {
      const place = { host: server.address.host, port: 5432, database: 'shop' };
      const target = { ...place, user: username, password: new Secret(password), tls: false } as const;
      return withClient(
        { ...target, tls: { ca: plane.ca, name: server.options.names[0] ?? '' } },
        { applicationName: 'test' },
        async () => 'ok',
      ).catch((error: { code?: string }) => error.code ?? String(error));
    },
    async close() {
      await plane.stop();
      await bed.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return made;
}

/** As `provision` makes one. */
async function addProxy(
  { bed, server, aws }: Pick<RotationFunctionBed, 'bed' | 'server' | 'aws'>,
  passwordOfA: string,
): Promise<void> {
  const second = 'second-password-of-the-slot-b';
  await server.setPassword('shop_b', new Secret(second));
  const arns: string[] = [];
  for (const [slot, password] of Object.entries({ a: passwordOfA, b: second })) {
    const { ARN } = await aws<{ ARN: string }>('secretsmanager', 'CreateSecret', {
      ...{ Name: `shop-dev/slot-${slot}`, Tags: tags },
      SecretString: JSON.stringify({ username: `shop_${slot}`, password, engine: 'postgres' }),
    });
    arns.push(ARN);
  }
  const trust = { Effect: 'Allow', Principal: { Service: 'rds.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const { Role } = await aws<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: 'proxy',
    AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
  });
  const allowed = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: arns };
  await aws('iam', 'PutRolePolicy', {
    ...{ RoleName: 'proxy', PolicyName: 'own' },
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [allowed] }),
  });
  const { Subnets } = await aws<{ Subnets: { SubnetId: string }[] }>('ec2', 'DescribeSubnets', {});
  const rds = new RDSClient(clientOptions(bed));
  await rds.send(
    new CreateDBProxyCommand({
      ...{ DBProxyName: 'shop-dev-proxy', EngineFamily: 'POSTGRESQL', RoleArn: Role.Arn, RequireTLS: true },
      VpcSubnetIds: Subnets.slice(0, 2).map(({ SubnetId }) => SubnetId),
      Auth: arns.map((SecretArn) => ({ AuthScheme: 'SECRETS', SecretArn, IAMAuth: 'DISABLED' })),
    }),
  );
  await rds.send(
    new RegisterDBProxyTargetsCommand({
      ...{ DBProxyName: 'shop-dev-proxy', DBInstanceIdentifiers: ['shop-dev-db'] },
    }),
  );
}

interface Parts {
  readonly bed: Bed;
  readonly plane: DataPlane;
  readonly folder: string;
  readonly dir: string;
  readonly aws: RotationFunctionBed['aws'];
}

async function install({ bed, plane, folder, dir, aws }: Parts): Promise<void> {
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, plane.ca);
  Object.assign(process.env, bed.environment);
  const context = testContext({
    ...{ cwd: folder, packageDir: folder, env: { ...process.env, LAMBDAPG_RDS_CA: caFile } },
  });
  const world = await openWorld(context, await getProject(folder), { stage: 'dev', region: bed.region });
  const instance = await describeInstance(world.aws, 'shop-dev-db');
  const database = instance === undefined ? undefined : instanceHave(instance);
  await mkdir(dir, { recursive: true });
  await emitRotationFunction(world, database, await rotationEndpoints(world, database), dir);
  const read = async (file: string) => JSON.parse(await readFile(join(dir, file), 'utf8'));
  await aws('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: JSON.stringify(await read('role-trust.json')),
  });
  await aws('iam', 'PutRolePolicy', {
    ...{ RoleName: name, PolicyName: 'lambdapg' },
    PolicyDocument: JSON.stringify(await read('role-policy.json')),
  });
  const { VpcConfig: _placeholders, ...fn } = await read('function.json');
  const code = { ZipFile: await readFile(join(dir, 'function.zip')) };
  // By a client, so that it is checked against AWS's model.
  const { FunctionArn } = await new LambdaClient(clientOptions(bed)).send(
    new CreateFunctionCommand({ ...fn, Code: code }),
  );
  await aws('lambda', 'AddPermission', {
    ...{ FunctionName: name, StatementId: 'secretsmanager', Action: 'lambda:InvokeFunction' },
    ...{ Principal: 'secretsmanager.amazonaws.com', SourceAccount: bed.account },
  });
  await aws('secretsmanager', 'RotateSecret', {
    ...{ SecretId: 'shop-dev/active', RotationLambdaARN: FunctionArn, RotateImmediately: false },
    RotationRules: { ScheduleExpression: 'rate(30 days)', Duration: '2h' },
  });
}
