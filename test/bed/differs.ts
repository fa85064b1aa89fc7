import { expect, test } from 'vitest';
import { type Bed, startBed } from './bed.ts';

export type Answer = Readonly<Record<string, unknown>>;

/** Asks for an operation; an AWS error is `{error: code}`. */
export type Aws = (service: string, action: string, input?: Record<string, unknown>) => Promise<Answer>;

export function awsOf(bed: Bed, plain: boolean): Aws {
  return async (service, action, input = {}) => {
    const response = await fetch(`${bed.endpoint}/_gate/${bed.account}/aws`, {
      method: 'POST',
      body: JSON.stringify({ service, action, input, region: bed.region, plain }),
    });
    const answer = (await response.json()) as { error?: { code: string } };
    return response.status === 409 ? { error: answer.error?.code } : answer;
  };
}

/** A row of LEDGER.md: the gate shows `expected`, and moto as it is shows something else. */
export function differs(
  id: string,
  what: string,
  scenario: (aws: Aws, bed: Bed) => Promise<unknown>,
  expected: unknown,
): void {
  test(`ledger ${id}: ${what}`, async () => {
    const [gate, plain] = [await startBed(), await startBed()];
    expect(await scenario(awsOf(gate, false), gate)).toEqual(expected);
    const unmended = await scenario(awsOf(plain, true), plain).catch((error: unknown) => ({ error }));
    expect(unmended).not.toEqual(expected);
    await gate.stop();
    await plain.stop();
  });
}

/** `DBInstances.0.DBInstanceStatus` of an answer; undefined where the path ends early. */
export function at(answer: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], answer);
}

export const text = (answer: unknown, path: string): string => {
  const value = at(answer, path);
  if (typeof value !== 'string') throw new Error(`no ${path} in ${JSON.stringify(answer)}`);
  return value;
};

export interface Network {
  readonly vpc: string;
  readonly subnets: readonly string[];
  readonly group: string;
}

/** A VPC with a subnet in each of two zones and a security group. */
export async function makeNetwork(aws: Aws): Promise<Network> {
  const vpc = text(await aws('ec2', 'CreateVpc', { CidrBlock: '10.0.0.0/16' }), 'Vpc.VpcId');
  const subnets = [];
  for (const [at, zone] of ['us-east-1a', 'us-east-1b'].entries()) {
    const input = { VpcId: vpc, CidrBlock: `10.0.${at}.0/24`, AvailabilityZone: zone };
    subnets.push(text(await aws('ec2', 'CreateSubnet', input), 'Subnet.SubnetId'));
  }
  const group = await aws('ec2', 'CreateSecurityGroup', { GroupName: 'g', Description: 'g', VpcId: vpc });
  return { vpc, subnets, group: text(group, 'GroupId') };
}

export async function makeSubnetGroup(aws: Aws): Promise<Network> {
  const network = await makeNetwork(aws);
  await aws('rds', 'CreateDBSubnetGroup', {
    DBSubnetGroupName: 'sg',
    DBSubnetGroupDescription: 'sg',
    SubnetIds: network.subnets,
  });
  return network;
}

/** Input of a database instance that RDS takes, in the subnet group `sg` if there is one. */
export const instanceInput = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  DBInstanceIdentifier: 'db1',
  DBInstanceClass: 'db.t4g.micro',
  Engine: 'postgres',
  AllocatedStorage: 20,
  StorageType: 'gp3',
  MasterUsername: 'lambdapg',
  MasterUserPassword: 'long-enough-1',
  ...changes,
});

export const clusterInput = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  DBClusterIdentifier: 'c1',
  Engine: 'aurora-postgresql',
  MasterUsername: 'lambdapg',
  MasterUserPassword: 'long-enough-1',
  ...changes,
});

export const proxyInput = (network: Network, changes: Record<string, unknown> = {}) => ({
  DBProxyName: 'p1',
  EngineFamily: 'POSTGRESQL',
  RoleArn: 'arn:aws:iam::123456789012:role/proxy',
  VpcSubnetIds: network.subnets,
  VpcSecurityGroupIds: [network.group],
  Auth: [{ SecretArn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:s-abcdef' }],
  ...changes,
});

/** The zip of an empty file `index.mjs`, as base64. */
export const emptyZip =
  'UEsDBBQAAAAAAAAAIQAAAAAAAAAAAAAAAAAJAAAAaW5kZXgubWpzUEsBAhQAFAAAAAAAAAAhAAAAAAAAAAAAAAAAAAkAAAAAAAAAAAAAAAAAAAAAAGluZGV4Lm1qc1BLBQYAAAAAAQABADcAAAAnAAAAAAA=';

export const trustLambda = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

/** A function `f` and its role; asks until it is active. */
export async function makeFunction(aws: Aws, changes: Record<string, unknown> = {}): Promise<Answer> {
  await aws('iam', 'CreateRole', { RoleName: 'f', AssumeRolePolicyDocument: JSON.stringify(trustLambda) });
  const role = await aws('iam', 'GetRole', { RoleName: 'f' });
  const made = await aws('lambda', 'CreateFunction', {
    FunctionName: 'f',
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Role: text(role, 'Role.Arn'),
    Code: { ZipFile: emptyZip },
    ...changes,
  });
  if (made.error === undefined) await aws('lambda', 'GetFunctionConfiguration', { FunctionName: 'f' });
  return made;
}

/** What `path` of an answer shows in one ask after the other; an error's code where it is one. */
export async function walk(ask: () => Promise<Answer>, path: string, asks: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (let turn = 0; turn < asks; turn++) {
    const answer = await ask();
    seen.push(answer.error ?? at(answer, path));
  }
  return seen;
}
