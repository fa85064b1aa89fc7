import { describe, expect, test } from 'vitest';
import { startBed } from './bed.ts';
import {
  type Aws,
  at,
  awsOf,
  differs,
  instanceInput,
  makeNetwork,
  proxyInput,
  trustLambda,
} from './differs.ts';

type Template = Record<string, unknown>;

async function settled(aws: Aws, StackName: string): Promise<unknown> {
  for (;;) {
    const answer = await aws('cloudformation', 'DescribeStacks', { StackName });
    const status = at(answer, 'Stacks.0.StackStatus') ?? answer.error;
    if (!String(status).endsWith('_IN_PROGRESS')) return status;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

const body = (Resources: Template, more: Template = {}) => JSON.stringify({ Resources, ...more });

/** Creates the stack `s`, or brings it to another template; its status in the end, or why it did not begin. */
async function deploy(aws: Aws, TemplateBody: string, action = 'CreateStack'): Promise<unknown> {
  const input = {
    StackName: 's',
    TemplateBody,
    Capabilities: ['CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND'],
  };
  const answer = await aws('cloudformation', action, input);
  return answer.error ?? settled(aws, 's');
}

const parameter = (Value: unknown, Name = '/p') => ({
  Type: 'AWS::SSM::Parameter',
  Properties: { Type: 'String', Name, Value },
});
const parameterOf = async (aws: Aws, Name = '/p') => {
  const answer = await aws('ssm', 'GetParameter', { Name });
  return answer.error ?? at(answer, 'Parameter.Value');
};
const referenceTo = (key: string) => ({
  'Fn::Join': ['', ['{{resolve:secretsmanager:', { Ref: 'Secret' }, `:SecretString:${key}}}`]],
});
const failures = async (aws: Aws): Promise<unknown[]> => {
  const events = await aws('cloudformation', 'DescribeStackEvents', { StackName: 's' });
  return (events.StackEvents as Record<string, string>[])
    .filter((event) => event.ResourceStatus?.endsWith('_FAILED'))
    .map((event) => [event.LogicalResourceId, event.ResourceStatus]);
};
const broken = {
  Type: 'AWS::Lambda::Alias',
  Properties: { Name: 'live', FunctionName: 'none', FunctionVersion: '1' },
};

describe('CloudFormation', () => {
  differs(
    'cloudformation-stacks',
    'every resource of the template stands; an unknown type fails the stack',
    async (aws) => {
      const Resources = {
        Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { GenerateSecretString: {} } },
        Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'a', ProtocolType: 'HTTP' } },
      };
      const status = await deploy(aws, body(Resources));
      const listed = await aws('cloudformation', 'ListStackResources', { StackName: 's' });
      const names = (listed.StackResourceSummaries as Template[]).map((one) => one.LogicalResourceId);
      await aws('cloudformation', 'DeleteStack', { StackName: 's' });
      await settled(aws, 's');
      const unknown = await deploy(aws, body({ Odd: { Type: 'AWS::Odd::Thing' } }));
      return [status, names.sort(), unknown, await failures(aws)];
    },
    ['CREATE_COMPLETE', ['Api', 'Secret'], 'ROLLBACK_COMPLETE', [['Odd', 'CREATE_FAILED']]],
  );

  differs(
    'cloudformation-rollback',
    'a failed creation leaves nothing, a failed update what was before it',
    async (aws) => {
      const created = await deploy(aws, body({ P: parameter('1'), Broken: { ...broken, DependsOn: 'P' } }));
      const afterwards = await parameterOf(aws);
      await aws('cloudformation', 'DeleteStack', { StackName: 's' });
      await settled(aws, 's');
      await deploy(aws, body({ P: parameter('1') }));
      const changed = {
        P: parameter('2'),
        New: parameter('x', '/new'),
        Broken: { ...broken, DependsOn: ['P', 'New'] },
      };
      const updated = await deploy(aws, body(changed), 'UpdateStack');
      return [
        created,
        afterwards,
        updated,
        await parameterOf(aws),
        await parameterOf(aws, '/new'),
        await failures(aws),
      ];
    },
    [
      ...['ROLLBACK_COMPLETE', 'ParameterNotFound', 'UPDATE_ROLLBACK_COMPLETE', '1', 'ParameterNotFound'],
      [['Broken', 'CREATE_FAILED']],
    ],
  );

  differs(
    'cloudformation-updates',
    'change in place, replace, remove; nothing to do is refused',
    async (aws) => {
      const outputs = { Outputs: { name: { Value: { Ref: 'P' } } } };
      await deploy(aws, body({ P: parameter('1'), Gone: parameter('g', '/gone') }, outputs));
      const same = await deploy(
        aws,
        body({ P: parameter('1'), Gone: parameter('g', '/gone') }, outputs),
        'UpdateStack',
      );
      const inPlace = await deploy(aws, body({ P: parameter('2') }, outputs), 'UpdateStack');
      const seen = [await parameterOf(aws), await parameterOf(aws, '/gone')];
      const replaced = await deploy(aws, body({ P: parameter('2', '/q') }, outputs), 'UpdateStack');
      const stack = await aws('cloudformation', 'DescribeStacks', { StackName: 's' });
      return [
        same,
        inPlace,
        seen,
        replaced,
        await parameterOf(aws),
        at(stack, 'Stacks.0.Outputs.0.OutputValue'),
      ];
    },
    [
      'ValidationError',
      'UPDATE_COMPLETE',
      ['2', 'ParameterNotFound'],
      'UPDATE_COMPLETE',
      'ParameterNotFound',
      '/q',
    ],
  );

  differs(
    'cloudformation-refusals',
    'what no template may be, what a stack is not allowed',
    async (aws) => {
      const role = {
        Type: 'AWS::IAM::Role',
        Properties: { RoleName: 'r', AssumeRolePolicyDocument: trustLambda },
      };
      const withoutCapability = await aws('cloudformation', 'CreateStack', {
        ...{ StackName: 's', TemplateBody: body({ Role: role }), Capabilities: ['CAPABILITY_IAM'] },
      });
      const circle = await deploy(
        aws,
        body({ A: parameter({ Ref: 'B' }), B: parameter({ Ref: 'A' }, '/b') }),
      );
      const lost = await deploy(aws, body({ A: parameter({ Ref: 'Nobody' }) }));
      const missing = await deploy(
        aws,
        body({ A: parameter({ Ref: 'X' }) }, { Parameters: { X: { Type: 'String' } } }),
      );
      return [withoutCapability.error, circle, lost, missing];
    },
    ['InsufficientCapabilitiesException', 'ValidationError', 'ValidationError', 'ValidationError'],
  );

  differs(
    'cloudformation-change-sets',
    'say what they would change, fail when it is nothing, and make the stack only when executed',
    async (aws) => {
      const input = { StackName: 's', ChangeSetName: 'c', TemplateBody: body({ P: parameter('1') }) };
      await aws('cloudformation', 'CreateChangeSet', { ...input, ChangeSetType: 'CREATE' });
      const described = await aws('cloudformation', 'DescribeChangeSet', {
        StackName: 's',
        ChangeSetName: 'c',
      });
      const reviewed = await aws('cloudformation', 'DescribeStacks', { StackName: 's' });
      const before = [at(reviewed, 'Stacks.0.StackStatus'), await parameterOf(aws)];
      await aws('cloudformation', 'ExecuteChangeSet', { StackName: 's', ChangeSetName: 'c' });
      const status = await settled(aws, 's');
      await aws('cloudformation', 'CreateChangeSet', input);
      const empty = await aws('cloudformation', 'DescribeChangeSet', { StackName: 's', ChangeSetName: 'c' });
      const gone = await aws('cloudformation', 'DeleteChangeSet', { StackName: 's', ChangeSetName: 'other' });
      const change = at(described, 'Changes.0.ResourceChange.Action');
      return [described.Status, change, before, status, empty.Status, empty.ExecutionStatus, gone.error];
    },
    [
      'CREATE_COMPLETE',
      'Add',
      ['REVIEW_IN_PROGRESS', 'ParameterNotFound'],
      'CREATE_COMPLETE',
      'FAILED',
      'UNAVAILABLE',
      undefined,
    ],
  );

  differs(
    'cloudformation-database',
    'an instance as its properties ask: port, groups, password by reference; a snapshot at its end',
    async (aws) => {
      const { subnets, group } = await makeNetwork(aws);
      const Resources = {
        Secret: {
          Type: 'AWS::SecretsManager::Secret',
          Properties: { Name: 's', SecretString: '{"username":"boss","password":"long-enough-1"}' },
        },
        Subnets: {
          Type: 'AWS::RDS::DBSubnetGroup',
          Properties: { DBSubnetGroupDescription: 'd', SubnetIds: subnets },
        },
        Database: {
          Type: 'AWS::RDS::DBInstance',
          Properties: {
            ...{
              DBInstanceIdentifier: 'db',
              Engine: 'postgres',
              DBInstanceClass: 'db.t4g.micro',
              AllocatedStorage: '20',
            },
            ...{ StorageType: 'gp3', DBSubnetGroupName: { Ref: 'Subnets' }, VPCSecurityGroups: [group] },
            MasterUsername: referenceTo('username'),
            MasterUserPassword: referenceTo('password'),
          },
        },
      };
      const outputs = { Outputs: { port: { Value: { 'Fn::GetAtt': ['Database', 'Endpoint.Port'] } } } };
      const status = await deploy(aws, body(Resources, outputs));
      const stack = await aws('cloudformation', 'DescribeStacks', { StackName: 's' });
      const found = await aws('rds', 'DescribeDBInstances', { DBInstanceIdentifier: 'db' });
      const groups = at(found, 'DBInstances.0.VpcSecurityGroups.0.VpcSecurityGroupId') === group;
      await aws('cloudformation', 'DeleteStack', { StackName: 's' });
      await settled(aws, 's');
      const { DBSnapshots } = await aws('rds', 'DescribeDBSnapshots', {});
      const user = at(found, 'DBInstances.0.MasterUsername');
      const gone = await aws('rds', 'DescribeDBInstances', { DBInstanceIdentifier: 'db' });
      const port = at(stack, 'Stacks.0.Outputs.0.OutputValue');
      return [status, port, groups, user, gone.error, (DBSnapshots as unknown[])?.length];
    },
    ['CREATE_COMPLETE', '5432', true, 'boss', 'DBInstanceNotFound', 1],
  );

  differs(
    'cloudformation-sam',
    "SAM's macro, by AWS's translator",
    async (aws) => {
      const Hello = {
        Type: 'AWS::Serverless::Function',
        Properties: {
          ...{
            Runtime: 'nodejs24.x',
            Handler: 'index.handler',
            InlineCode: 'exports.handler = async () => 1',
          },
          Events: { Get: { Type: 'HttpApi', Properties: { Path: '/hello', Method: 'get' } } },
        },
      };
      const Transform = 'AWS::Serverless-2016-10-31';
      const status = await deploy(aws, body({ Hello }, { Transform }));
      const apis = await aws('apigatewayv2', 'GetApis', {});
      if (at(apis, 'Items.0') === undefined) return status;
      const routes = await aws('apigatewayv2', 'GetRoutes', { ApiId: at(apis, 'Items.0.ApiId') });
      return [status, (routes.Items as Template[])?.map((route) => route.RouteKey)];
    },
    ['CREATE_COMPLETE', ['GET /hello']],
  );
});

const network = {
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
  Subnet: {
    Type: 'AWS::EC2::Subnet',
    Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock: '10.0.0.0/24', AvailabilityZone: 'us-east-1a' },
  },
  Group: {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: { VpcId: { Ref: 'Vpc' }, GroupDescription: 'g' },
  },
  Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: trustLambda } },
  Function: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      ...{ Runtime: 'nodejs24.x', Handler: 'index.handler', Architectures: ['arm64'] },
      ...{ Role: { 'Fn::GetAtt': ['Role', 'Arn'] }, Code: { ZipFile: 'exports.handler = async () => 1' } },
      VpcConfig: { SubnetIds: [{ Ref: 'Subnet' }], SecurityGroupIds: [{ Ref: 'Group' }] },
    },
  },
};

test('a resource is complete when it is ready, and goes when nothing uses it any more', async () => {
  const bed = await startBed({ pace: { default: 4, 'lambda.interface': 8 } });
  const aws = awsOf(bed, false);
  expect(await deploy(aws, body(network))).toBe('CREATE_COMPLETE');
  const { Functions } = await aws('lambda', 'ListFunctions', {});
  expect(Functions).toMatchObject([{ State: 'Active', Architectures: ['arm64'] }]);
  await aws('cloudformation', 'DeleteStack', { StackName: 's' });
  expect(await settled(aws, 's')).toBe('ValidationError');
  const own = (await bed.requests()).filter((one) => one.userAgent === 'cloudformation.amazonaws.com');
  const attempts = own.filter((one) => one.action === 'DeleteSubnet').map((one) => one.error);
  expect([attempts[0], attempts.at(-1)]).toEqual(['DependencyViolation', undefined]);
  const { Vpcs } = await aws('ec2', 'DescribeVpcs', {});
  expect((Vpcs as { IsDefault: boolean }[]).filter((vpc) => !vpc.IsDefault)).toEqual([]);
  await bed.stop();
});

test('faults hit what a stack asks for: it asks again after a throttled call, and a refusal ends it', async () => {
  const bed = await startBed({ pace: { default: 0 } });
  const aws = awsOf(bed, false);
  await bed.fault({ service: 'ec2', action: 'CreateSubnet', kind: 'throttling', count: 2 });
  await bed.fault({ service: 'lambda', action: 'CreateFunction', kind: 'access-denied' });
  expect(await deploy(aws, body(network))).toBe('ROLLBACK_COMPLETE');
  expect(await failures(aws)).toEqual([['Function', 'CREATE_FAILED']]);
  const asked = (await bed.requests()).filter((one) => one.action === 'CreateSubnet');
  expect(asked.map((one) => one.error)).toEqual(['RequestLimitExceeded', 'RequestLimitExceeded', undefined]);
  await bed.stop();
});

test('a target group is complete when its targets are available, and fails when they never are', async () => {
  const bed = await startBed({ pace: { default: 0 } });
  const aws = awsOf(bed, false);
  const { subnets, group } = await makeNetwork(aws);
  await aws('rds', 'CreateDBSubnetGroup', {
    ...{ DBSubnetGroupName: 'sg', DBSubnetGroupDescription: 'sg', SubnetIds: subnets },
  });
  await aws('rds', 'CreateDBInstance', instanceInput({ DBSubnetGroupName: 'sg' }));
  await aws('rds', 'CreateDBProxy', proxyInput({ vpc: '', subnets, group }));
  await bed.targetHealth('p1', { State: 'UNAVAILABLE', Reason: 'AUTH_FAILURE', Description: 'no value' });
  const Targets = {
    Type: 'AWS::RDS::DBProxyTargetGroup',
    Properties: { DBProxyName: 'p1', TargetGroupName: 'default', DBInstanceIdentifiers: ['db1'] },
  };
  expect(await deploy(aws, body({ Targets }))).toBe('ROLLBACK_COMPLETE');
  expect(await bed.control('stack-failures', { region: bed.region })).toEqual([
    expect.stringMatching(/^Targets CREATE_FAILED: Timed out waiting for target group to become available/),
  ]);
  await aws('cloudformation', 'DeleteStack', { StackName: 's' });
  await settled(aws, 's');
  await bed.targetHealth('p1', null);
  expect(await deploy(aws, body({ Targets }))).toBe('CREATE_COMPLETE');
  await bed.stop();
}, 60_000);
