import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  CreateVpcEndpointCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  ModifyVpcAttributeCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateRoleCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import {
  CreateDBInstanceCommand,
  CreateDBProxyCommand,
  CreateDBSubnetGroupCommand,
  DescribeDBInstancesCommand,
  DescribeDBProxiesCommand,
  RDSClient,
  RegisterDBProxyTargetsCommand,
} from '@aws-sdk/client-rds';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { build } from 'esbuild';
import { bundleRunner } from '../../../../scripts/bundle-runner.js';
import { withClient } from '../../../../src/database/with-client.ts';
import { type Attached, attachFunctions } from '../../../../src/providers/aws/attach/attach-functions.ts';
import { detachFunctions, planDetach } from '../../../../src/providers/aws/attach/detach-functions.ts';
import { parseFunctionChoice } from '../../../../src/providers/aws/attach/find-functions.ts';
import { openAttach } from '../../../../src/providers/aws/attach/open-attach.ts';
import {
  type AttachChoice,
  type PlannedAttach,
  planAttach,
} from '../../../../src/providers/aws/attach/plan-attach.ts';
import { Secret } from '../../../../src/secret.ts';
import { type Bed, type BedOptions, startBed } from '../../../bed/bed.ts';
import { type DataPlane, startDataPlane } from '../../../bed/data-plane/data-plane.ts';
import { zipOf } from '../../../bed/data-plane/zip.ts';
import { clientOptions } from '../../../bed/sdk.ts';
import { makeTempDir, type TestContext, testContext } from '../../../postgres-server.ts';

export const region = 'us-east-1';
export const appPassword = "app-Password/@:'1";

/** An account with an RDS instance in a private network, and no function yet. */
export interface AttachBed {
  readonly bed: Bed;
  readonly plane: DataPlane;
  readonly ec2: EC2Client;
  readonly iam: IAMClient;
  readonly lambda: LambdaClient;
  readonly rds: RDSClient;
  readonly secrets: SecretsManagerClient;
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly databaseGroup: string;
  readonly host: string;
  /** JSON with `app` and its password. */
  readonly secretArn: string;
  makeRole(name: string, service?: string): Promise<string>;
  /** A secret with a login and a wrong password. */
  makeSecret(name: string, username: string): Promise<string>;
  makeGroup(name: string, vpcId?: string, tags?: Record<string, string>): Promise<string>;
  /** A hand-made function on the connection runtime, in no VPC unless told. */
  makeFunction(name: string, change?: object): Promise<void>;
  /** What it answers. */
  invoke(name: string): Promise<unknown>;
  /** Everything that attach may change, without revisions and times. */
  snapshot(name: string): Promise<unknown>;
  plan(names: string, choice?: Partial<AttachChoice>): Promise<PlannedAttach>;
  attach(names: string, choice?: Partial<AttachChoice>): Promise<Attached>;
  detach(names: string): Promise<readonly string[]>;
  /** Of the last run. */
  readonly context: () => TestContext;
  stop(): Promise<void>;
}

export async function startAttachBed(options: BedOptions = { pace: { default: 0 } }): Promise<AttachBed> {
  const bed = await startBed(options);
  const plane = await startDataPlane(bed);
  Object.assign(process.env, bed.environment);
  const packageDir = await makeTempDir();
  await mkdir(join(packageDir, 'dist/runner'), { recursive: true });
  const [, code] = await Promise.all([
    bundleRunner({ outfile: join(packageDir, 'dist/runner/index.mjs') }),
    bundleFunction(),
  ]);
  const ec2 = new EC2Client(clientOptions(bed));
  const iam = new IAMClient(clientOptions(bed));
  const lambda = new LambdaClient(clientOptions(bed));
  const rds = new RDSClient(clientOptions(bed));
  const secrets = new SecretsManagerClient(clientOptions(bed));
  const network = await makeNetwork(ec2, rds);
  const host = await makeDatabase(rds, network.databaseGroup);
  await makeLogin(plane, host);
  const { ARN: secretArn = '' } = await secrets.send(
    new CreateSecretCommand({
      Name: 'orders/login',
      SecretString: JSON.stringify({ username: 'app', password: appPassword }),
    }),
  );
  let context = testContext();
  const open = () => {
    context = testContext({ packageDir, env: plane.environment });
    return openAttach(context, { region });
  };
  const makeRole = async (RoleName: string, service = 'lambda.amazonaws.com'): Promise<string> => {
    const trust = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' };
    const document = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: document }));
    return Role?.Arn ?? '';
  };
  const plan = async (names: string, choice: Partial<AttachChoice> = {}): Promise<PlannedAttach> =>
    planAttach(await open(), {
      functions: parseFunctionChoice({ names }),
      ...(choice.databaseUrl === undefined && { to: 'orders', secret: 'orders/login' }),
      replaceEnvironment: false,
      ...choice,
    });
  return {
    ...{ bed, plane, ec2, iam, lambda, rds, secrets, host, secretArn, makeRole, plan },
    ...network,
    makeGroup: (name, vpcId = network.vpcId, tags = {}) => makeGroup(ec2, name, vpcId, tags),
    async makeSecret(Name, username) {
      const SecretString = JSON.stringify({ username, password: 'x' });
      return (await secrets.send(new CreateSecretCommand({ Name, SecretString }))).ARN ?? '';
    },
    async makeFunction(name, change = {}) {
      const Role = await makeRole(`${name}-role`);
      await lambda.send(
        new CreateFunctionCommand({
          ...{ FunctionName: name, Role, Runtime: 'nodejs22.x', Handler: 'index.handler', Timeout: 20 },
          ...{ Code: { ZipFile: await zipOf({ 'index.mjs': code }) } },
          Environment: { Variables: { KEEP: 'me' } },
          ...change,
        }),
      );
    },
    async invoke(name) {
      const { Payload, LogResult } = await lambda.send(
        new InvokeCommand({ FunctionName: name, Payload: Buffer.from('{}'), LogType: 'Tail' }),
      );
      const answer = JSON.parse(Buffer.from(Payload ?? '').toString('utf8')) as unknown;
      return answer ?? Buffer.from(LogResult ?? '', 'base64').toString('utf8');
    },
    snapshot: (name) => snapshotOf({ ec2, iam, lambda, rds, secrets }, name),
    async attach(names, choice) {
      const planned = await plan(names, choice);
      return attachFunctions(await open(), planned);
    },
    async detach(names) {
      const world = await open();
      return (await detachFunctions(world, await planDetach(world, { names: names.split(',') }))).removed;
    },
    context: () => context,
    async stop() {
      await plane.stop();
      await rm(packageDir, { recursive: true, force: true });
      await bed.stop();
    },
  };
}

/** What a person writes who reads the variables of lambdapg by its connection runtime. */
async function bundleFunction(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      resolveDir: join(import.meta.dirname, '../../../..'),
      contents: `import { Database, settingsFromEnvironment } from './templates/runtime-node/lambdapg-runtime/index.ts';
        const database = new Database(() => settingsFromEnvironment(process.env));
        export const handler = async () => (await database.query(
          'SELECT session_user AS who, current_database() AS db, 6 * 7 AS n'))[0];`,
    },
    ...{ bundle: true, platform: 'node', format: 'esm', write: false, external: ['pg-native'] },
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  });
  return outputFiles[0]?.text ?? '';
}

async function makeNetwork(ec2: EC2Client, rds: RDSClient) {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.9.0.0/24' }));
  const vpcId = Vpc?.VpcId ?? '';
  for (const name of ['EnableDnsSupport', 'EnableDnsHostnames']) {
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, [name]: { Value: true } }));
  }
  const subnetIds: string[] = [];
  for (const [at, zone] of ['a', 'b'].entries()) {
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({
        ...{ VpcId: vpcId, CidrBlock: `10.9.0.${at * 64}/26`, AvailabilityZone: `${region}${zone}` },
      }),
    );
    subnetIds.push(Subnet?.SubnetId ?? '');
  }
  const endpointGroup = await makeGroup(ec2, 'endpoint', vpcId);
  await ec2.send(
    new CreateVpcEndpointCommand({
      ...{ VpcId: vpcId, VpcEndpointType: 'Interface', PrivateDnsEnabled: true },
      ServiceName: `com.amazonaws.${region}.secretsmanager`,
      ...{ SubnetIds: subnetIds, SecurityGroupIds: [endpointGroup] },
    }),
  );
  await rds.send(
    new CreateDBSubnetGroupCommand({
      ...{ DBSubnetGroupName: 'private', DBSubnetGroupDescription: 'x', SubnetIds: subnetIds },
    }),
  );
  return { vpcId, subnetIds, databaseGroup: await makeGroup(ec2, 'database', vpcId), endpointGroup };
}

async function makeGroup(
  ec2: EC2Client,
  GroupName: string,
  VpcId: string,
  tags: Record<string, string> = {},
): Promise<string> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const { GroupId = '' } = await ec2.send(
    new CreateSecurityGroupCommand({
      ...{ GroupName, VpcId, Description: GroupName },
      ...(Tags.length > 0 && { TagSpecifications: [{ ResourceType: 'security-group', Tags }] }),
    }),
  );
  return GroupId;
}

async function makeDatabase(rds: RDSClient, group: string): Promise<string> {
  const named = { DBInstanceIdentifier: 'orders' };
  await rds.send(
    new CreateDBInstanceCommand({
      ...{ ...named, Engine: 'postgres', DBInstanceClass: 'db.t4g.micro', AllocatedStorage: 20 },
      ...{ DBName: 'shop', MasterUsername: 'boss', MasterUserPassword: 'first-Password' },
      ...{
        VpcSecurityGroupIds: [group],
        DBSubnetGroupName: 'private',
        EnableIAMDatabaseAuthentication: true,
      },
    }),
  );
  for (;;) {
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand(named));
    const host = DBInstances?.[0]?.Endpoint?.Address;
    if (host !== undefined && DBInstances?.[0]?.DBInstanceStatus === 'available') return host;
  }
}

async function makeLogin(plane: DataPlane, name: string): Promise<void> {
  const place = plane.findHost(name);
  if (place === undefined) throw new Error(`no address for ${name}`);
  const target = {
    ...{ ...place, database: 'shop', user: 'boss', password: new Secret('first-Password') },
    tls: { ca: plane.ca, name },
  };
  await withClient(target, { applicationName: 'test' }, async (client) => {
    await client.query(`CREATE ROLE app LOGIN PASSWORD '${appPassword.replaceAll("'", "''")}'`);
    await client.query('CREATE ROLE token_app LOGIN; GRANT rds_iam TO token_app');
  });
}

type Clients = Pick<AttachBed, 'ec2' | 'iam' | 'lambda' | 'rds' | 'secrets'>;

async function snapshotOf({ ec2, iam, lambda }: Clients, name: string): Promise<unknown> {
  const { Configuration = {}, Tags = {} } = await lambda.send(new GetFunctionCommand({ FunctionName: name }));
  const passing = /^(RevisionId|LastModified|VpcConfig|State.*|LastUpdateStatus.*)$/;
  const { VpcConfig = {} } = Configuration;
  const lasting = Object.entries(Configuration).filter(([key]) => !passing.test(key));
  const [{ SecurityGroups = [] }, { PolicyNames = [] }, { Functions = [] }] = await Promise.all([
    ec2.send(new DescribeSecurityGroupsCommand({})),
    iam.send(new ListRolePoliciesCommand({ RoleName: `${name}-role` })),
    lambda.send(new ListFunctionsCommand({})),
  ]);
  return {
    configuration: Object.fromEntries(lasting),
    vpc: [VpcConfig.SubnetIds ?? [], VpcConfig.SecurityGroupIds ?? []],
    ...{ Tags, PolicyNames },
    functions: Functions.map(({ FunctionName }) => FunctionName),
    groups: SecurityGroups.map(({ GroupId, IpPermissions, IpPermissionsEgress }) => [
      GroupId,
      IpPermissions,
      IpPermissionsEgress,
    ]),
  };
}

/** Proxies of somebody else, in front of the bed's database. */
export class Proxies {
  readonly #at: AttachBed;
  #group = '';

  constructor(at: AttachBed) {
    this.#at = at;
  }

  /** @param secretArns what its role may read */
  async make(name: string, auth: object, secretArns: readonly string[] = []): Promise<void> {
    const { databaseGroup, iam, makeGroup, makeRole, rds, subnetIds } = this.#at;
    if (this.#group === '') this.#group = await this.#openDatabase(await makeGroup('proxy'), databaseGroup);
    const RoleArn = await makeRole(`${name}-role`, 'rds.amazonaws.com');
    if (secretArns.length > 0) {
      await iam.send(
        new PutRolePolicyCommand({
          ...{ RoleName: `${name}-role`, PolicyName: 'read' },
          PolicyDocument: JSON.stringify({
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: secretArns }],
          }),
        }),
      );
    }
    await rds.send(
      new CreateDBProxyCommand({
        ...{ DBProxyName: name, EngineFamily: 'POSTGRESQL', RoleArn, RequireTLS: true },
        ...{ VpcSubnetIds: [...subnetIds], VpcSecurityGroupIds: [this.#group] },
        ...auth,
      }),
    );
    const DBInstanceIdentifiers = ['orders'];
    await rds.send(new RegisterDBProxyTargetsCommand({ DBProxyName: name, DBInstanceIdentifiers }));
  }

  async find(name: string) {
    const { DBProxies } = await this.#at.rds.send(new DescribeDBProxiesCommand({ DBProxyName: name }));
    return DBProxies?.[0];
  }

  async #openDatabase(group: string, GroupId: string): Promise<string> {
    const rule = { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, UserIdGroupPairs: [{ GroupId: group }] };
    await this.#at.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [rule] }));
    return group;
  }
}

export const secretAuth = (SecretArn: string, IAMAuth: 'DISABLED' | 'REQUIRED' = 'DISABLED') => ({
  Auth: [{ AuthScheme: 'SECRETS' as const, SecretArn, IAMAuth }],
});
