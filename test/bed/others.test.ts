import { describe } from 'vitest';
import { type Aws, at, differs, makeFunction, makeNetwork, text, walk } from './differs.ts';

describe('Secrets Manager', () => {
  const make = (aws: Aws) => aws('secretsmanager', 'CreateSecret', { Name: 's', SecretString: 'v1' });
  const get = async (aws: Aws) =>
    (await aws('secretsmanager', 'GetSecretValue', { SecretId: 's' })).SecretString;
  const move = async (aws: Aws, to: unknown, from: unknown) =>
    aws('secretsmanager', 'UpdateSecretVersionStage', {
      SecretId: 's',
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: to,
      RemoveFromVersionId: from,
    });
  const shift = async (aws: Aws) => {
    const first = await make(aws);
    const input = { SecretId: 's', SecretString: 'v2', VersionStages: ['AWSPENDING'] };
    const second = await aws('secretsmanager', 'PutSecretValue', input);
    await move(aws, second.VersionId, first.VersionId);
    return [first.VersionId, second.VersionId];
  };

  differs(
    'secret-current-version',
    'is the one with the label, also after a move',
    async (aws) => {
      await shift(aws);
      return get(aws);
    },
    'v2',
  );

  differs(
    'secret-one-current-version',
    'after a move, a put and a move back',
    async (aws) => {
      const [, second] = await shift(aws);
      const third = await aws('secretsmanager', 'PutSecretValue', { SecretId: 's', SecretString: 'v3' });
      const labels = async () =>
        Object.values(
          at(
            await aws('secretsmanager', 'DescribeSecret', { SecretId: 's' }),
            'VersionIdsToStages',
          ) as object,
        )
          .flat()
          .filter((label) => label === 'AWSCURRENT').length;
      const before = await labels();
      await move(aws, second, third.VersionId);
      return [before, await labels(), await get(aws)];
    },
    [1, 1, 'v2'],
  );

  differs(
    'secret-token-reuse',
    'with another value is refused',
    async (aws) => {
      await make(aws);
      const input = { SecretId: 's', ClientRequestToken: 'a'.repeat(32), VersionStages: ['AWSPENDING'] };
      await aws('secretsmanager', 'PutSecretValue', { ...input, SecretString: 'one' });
      return (await aws('secretsmanager', 'PutSecretValue', { ...input, SecretString: 'other' })).error;
    },
    'ResourceExistsException',
  );

  differs(
    'secret-managed-by-a-service',
    'is not written by hand',
    async (aws) => {
      const instance = {
        DBInstanceIdentifier: 'db1',
        DBInstanceClass: 'db.t4g.micro',
        Engine: 'postgres',
        AllocatedStorage: 20,
        MasterUsername: 'm',
        ManageMasterUserPassword: true,
      };
      const SecretId = text(
        await aws('rds', 'CreateDBInstance', instance),
        'DBInstance.MasterUserSecret.SecretArn',
      );
      return (await aws('secretsmanager', 'PutSecretValue', { SecretId, SecretString: 'mine' })).error;
    },
    'InvalidRequestException',
  );

  differs(
    'secret-name-pending-deletion',
    'cannot be used again',
    async (aws) => {
      await make(aws);
      await aws('secretsmanager', 'DeleteSecret', { SecretId: 's' });
      return (await make(aws)).error;
    },
    'InvalidRequestException',
  );

  differs(
    'secret-unlabelled-versions',
    'are left out',
    async (aws) => {
      await shift(aws);
      await aws('secretsmanager', 'PutSecretValue', { SecretId: 's', SecretString: 'v3' });
      await aws('secretsmanager', 'PutSecretValue', { SecretId: 's', SecretString: 'v4' });
      return Object.keys(
        at(await aws('secretsmanager', 'DescribeSecret', { SecretId: 's' }), 'VersionIdsToStages') as object,
      ).length;
    },
    2,
  );

  differs(
    'secret-rotation-refusals',
    'no function; one under way',
    async (aws) => {
      await make(aws);
      const none = await aws('secretsmanager', 'RotateSecret', { SecretId: 's' });
      await aws('secretsmanager', 'PutSecretValue', {
        SecretId: 's',
        SecretString: 'v2',
        VersionStages: ['AWSPENDING'],
      });
      const RotationLambdaARN = 'arn:aws:lambda:us-east-1:123456789012:function:f';
      const second = await aws('secretsmanager', 'RotateSecret', { SecretId: 's', RotationLambdaARN });
      return [none.error, second.error];
    },
    ['InvalidRequestException', 'InvalidRequestException'],
  );

  differs(
    'lag-secretsmanager.secret',
    'a new secret is not there at once',
    async (aws, bed) => {
      await bed.lag({ 'secretsmanager.secret': 1 });
      await make(aws);
      return [await get(aws), await get(aws)];
    },
    [undefined, 'v1'],
  );
});

describe('Lambda', () => {
  const configuration = (aws: Aws) => () => aws('lambda', 'GetFunctionConfiguration', { FunctionName: 'f' });
  const update = (aws: Aws, changes: Record<string, unknown>) =>
    aws('lambda', 'UpdateFunctionConfiguration', { FunctionName: 'f', ...changes });

  differs(
    'states-lambda.function',
    'Pending, Active; InProgress, Successful; a conflict in between',
    async (aws) => {
      const made = await makeFunction(aws);
      const active = await configuration(aws)();
      const first = await update(aws, { Timeout: 5 });
      const second = await update(aws, { Timeout: 6 });
      const states = await walk(configuration(aws), 'LastUpdateStatus', 2);
      return [made.State, active.State, first.LastUpdateStatus, second.error, ...states];
    },
    ['Pending', 'Active', 'InProgress', 'ResourceConflictException', 'InProgress', 'Successful'],
  );

  differs(
    'lambda-configuration-refusals',
    'reserved names, 4 KB, unknown subnets',
    async (aws) => {
      const errors = [];
      for (const changes of [
        { Environment: { Variables: { AWS_REGION: 'x' } } },
        { Environment: { Variables: { A: 'x'.repeat(4100) } } },
        { VpcConfig: { SubnetIds: ['subnet-00000000'], SecurityGroupIds: ['sg-00000000'] } },
      ])
        errors.push((await makeFunction(aws, changes)).error);
      return errors;
    },
    Array(3).fill('InvalidParameterValueException'),
  );

  differs(
    'lambda-revisions',
    'change, and an old one is refused',
    async (aws) => {
      await makeFunction(aws);
      const RevisionId = (await configuration(aws)()).RevisionId;
      const right = await update(aws, { Timeout: 5, RevisionId });
      await configuration(aws)();
      const wrong = await update(aws, { Timeout: 6, RevisionId });
      return [right.Timeout, right.RevisionId !== RevisionId, wrong.error];
    },
    [5, true, 'PreconditionFailedException'],
  );

  differs(
    'lambda-logging-config',
    'is kept',
    async (aws) => {
      await makeFunction(aws, { LoggingConfig: { LogFormat: 'JSON' } });
      return (await configuration(aws)()).LoggingConfig;
    },
    { LogFormat: 'JSON', LogGroup: '/aws/lambda/f' },
  );

  differs(
    'lambda-publish-unchanged',
    'gives the same version',
    async (aws) => {
      await makeFunction(aws);
      await update(aws, { Timeout: 8 });
      await configuration(aws)();
      const publish = async () => (await aws('lambda', 'PublishVersion', { FunctionName: 'f' })).Version;
      const [one, two] = [await publish(), await publish()];
      await update(aws, { Timeout: 9 });
      await configuration(aws)();
      return [one, two, await publish(), await publish()];
    },
    ['1', '1', '2', '2'],
  );

  differs(
    'lambda-list-pages',
    'of the size that was asked',
    async (aws) => {
      await makeFunction(aws);
      const role = text(await configuration(aws)(), 'Role');
      for (const name of ['a', 'b']) {
        await aws('lambda', 'CreateFunction', {
          FunctionName: name,
          Runtime: 'nodejs22.x',
          Handler: 'i.h',
          Role: role,
          Code: { ZipFile: 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==' },
        });
      }
      const first = await aws('lambda', 'ListFunctions', { MaxItems: 2 });
      const second = await aws('lambda', 'ListFunctions', { MaxItems: 2, Marker: first.NextMarker });
      return [
        (first.Functions as unknown[]).length,
        (second.Functions as unknown[]).length,
        second.NextMarker,
      ];
    },
    [2, 1, undefined],
  );

  differs(
    'lambda-permission-twice',
    'is a conflict',
    async (aws) => {
      await makeFunction(aws);
      const input = {
        FunctionName: 'f',
        StatementId: 'api',
        Action: 'lambda:InvokeFunction',
        Principal: 'apigateway.amazonaws.com',
      };
      await aws('lambda', 'AddPermission', input);
      return (await aws('lambda', 'AddPermission', input)).error;
    },
    'ResourceConflictException',
  );

  differs(
    'lambda-reserved-concurrency',
    'leaves 100 for the others',
    async (aws) => {
      await makeFunction(aws);
      return (
        await aws('lambda', 'PutFunctionConcurrency', {
          FunctionName: 'f',
          ReservedConcurrentExecutions: 950,
        })
      ).error;
    },
    'InvalidParameterValueException',
  );

  differs(
    'lambda-account-settings',
    'count what is reserved',
    async (aws) => {
      await makeFunction(aws);
      await aws('lambda', 'PutFunctionConcurrency', { FunctionName: 'f', ReservedConcurrentExecutions: 50 });
      return at(await aws('lambda', 'GetAccountSettings'), 'AccountLimit.UnreservedConcurrentExecutions');
    },
    950,
  );

  differs(
    'lambda-network-interfaces',
    'outlive the function for a while',
    async (aws, bed) => {
      await bed.pace({ 'lambda.interface': 2 });
      const network = await makeNetwork(aws);
      await makeFunction(aws, {
        VpcConfig: { SubnetIds: network.subnets, SecurityGroupIds: [network.group] },
      });
      const ask = () =>
        aws('ec2', 'DescribeNetworkInterfaces', { Filters: [{ Name: 'group-id', Values: [network.group] }] });
      const kinds = (await ask()).NetworkInterfaces as { InterfaceType: string }[];
      await aws('lambda', 'DeleteFunction', { FunctionName: 'f' });
      const held = [];
      for (let turn = 0; turn < 3; turn++)
        held.push((await aws('ec2', 'DeleteSecurityGroup', { GroupId: network.group })).error);
      return [kinds.map((one) => one.InterfaceType), ...held];
    },
    [['lambda', 'lambda'], 'DependencyViolation', 'DependencyViolation', undefined],
  );

  differs(
    'lambda-invoke-state',
    'nothing runs while the function is pending',
    async (aws, bed) => {
      await bed.pace({ 'lambda.function': 5 });
      const none = await aws('lambda', 'Invoke', { FunctionName: 'f' });
      await makeFunction(aws);
      return [none.error, (await aws('lambda', 'Invoke', { FunctionName: 'f' })).error];
    },
    ['ResourceNotFoundException', 'ResourceConflictException'],
  );

  differs(
    'hook-only',
    'nobody runs code or SQL that no data plane runs',
    async (aws) => {
      await makeFunction(aws);
      const invoked = await aws('lambda', 'Invoke', { FunctionName: 'f' });
      const input = {
        resourceArn: 'arn:aws:rds:us-east-1:123456789012:cluster:c',
        secretArn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:s',
        sql: 'select 1',
      };
      return [invoked.error, (await aws('rds-data', 'ExecuteStatement', input)).error];
    },
    ['NotImplemented', 'NotImplemented'],
  );
});

describe('EC2', () => {
  differs(
    'ec2-zone-description',
    'says that a zone needs no opting in',
    async (aws) => at(await aws('ec2', 'DescribeAvailabilityZones'), 'AvailabilityZones.0.OptInStatus'),
    'opt-in-not-required',
  );

  const rule = (changes: Record<string, unknown>) => ({
    IpPermissions: [{ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, ...changes }],
  });

  differs(
    'ec2-group-in-use',
    'by a rule of another group',
    async (aws) => {
      const { vpc, group } = await makeNetwork(aws);
      const other = text(
        await aws('ec2', 'CreateSecurityGroup', { GroupName: 'h', Description: 'h', VpcId: vpc }),
        'GroupId',
      );
      await aws('ec2', 'AuthorizeSecurityGroupIngress', {
        GroupId: other,
        ...rule({ UserIdGroupPairs: [{ GroupId: group }] }),
      });
      return (await aws('ec2', 'DeleteSecurityGroup', { GroupId: group })).error;
    },
    'DependencyViolation',
  );

  differs(
    'ec2-subnet-in-use',
    'by an interface',
    async (aws) => {
      const { subnets } = await makeNetwork(aws);
      await aws('ec2', 'CreateNetworkInterface', { SubnetId: subnets[0] });
      return (await aws('ec2', 'DeleteSubnet', { SubnetId: subnets[0] })).error;
    },
    'DependencyViolation',
  );

  differs(
    'ec2-aws-made-interfaces',
    'cannot be deleted by hand',
    async (aws) => {
      const network = await makeNetwork(aws);
      await makeFunction(aws, {
        VpcConfig: { SubnetIds: network.subnets, SecurityGroupIds: [network.group] },
      });
      const list = await aws('ec2', 'DescribeNetworkInterfaces', {});
      const NetworkInterfaceId = at(list, 'NetworkInterfaces.0.NetworkInterfaceId') ?? 'eni-0';
      return (await aws('ec2', 'DeleteNetworkInterface', { NetworkInterfaceId })).error;
    },
    'InvalidParameterValue',
  );

  differs(
    'ec2-rule-twice',
    'whatever its description',
    async (aws) => {
      const { group: GroupId } = await makeNetwork(aws);
      const add = (Description: string) =>
        aws('ec2', 'AuthorizeSecurityGroupIngress', {
          GroupId,
          ...rule({ UserIdGroupPairs: [{ GroupId, Description }] }),
        });
      await add('one');
      return (await add('other')).error;
    },
    'InvalidPermission.Duplicate',
  );

  differs(
    'ec2-revoke-without-description',
    'takes the rule away',
    async (aws) => {
      const { group: GroupId } = await makeNetwork(aws);
      await aws('ec2', 'AuthorizeSecurityGroupIngress', {
        GroupId,
        ...rule({ UserIdGroupPairs: [{ GroupId, Description: 'x' }] }),
      });
      return (
        await aws('ec2', 'RevokeSecurityGroupIngress', {
          GroupId,
          ...rule({ UserIdGroupPairs: [{ GroupId }] }),
        })
      ).error;
    },
    undefined,
  );

  const makeEndpoint = async (aws: Aws, changes: Record<string, unknown> = {}) => {
    const network = await makeNetwork(aws);
    for (const key of ['EnableDnsSupport', 'EnableDnsHostnames'])
      await aws('ec2', 'ModifyVpcAttribute', { VpcId: network.vpc, [key]: { Value: true } });
    const input = {
      VpcId: network.vpc,
      VpcEndpointType: 'Interface',
      ServiceName: 'com.amazonaws.us-east-1.secretsmanager',
      SubnetIds: network.subnets,
      SecurityGroupIds: [network.group],
      PrivateDnsEnabled: true,
      ...changes,
    };
    return { network, input, made: await aws('ec2', 'CreateVpcEndpoint', input) };
  };

  differs(
    'ec2-endpoint-refusals',
    'an unknown service, private DNS twice or without DNS',
    async (aws) => {
      const { input } = await makeEndpoint(aws);
      const twice = await aws('ec2', 'CreateVpcEndpoint', input);
      const bogus = await aws('ec2', 'CreateVpcEndpoint', {
        ...input,
        ServiceName: 'com.amazonaws.us-east-1.bogus',
      });
      const bare = await makeNetwork(aws);
      const off = await aws('ec2', 'CreateVpcEndpoint', {
        ...input,
        VpcId: bare.vpc,
        SubnetIds: bare.subnets,
      });
      return [twice.error, bogus.error, off.error];
    },
    ['InvalidParameter', 'InvalidServiceName', 'InvalidParameter'],
  );

  differs(
    'ec2-endpoint-groups',
    'its interfaces hold its own group',
    async (aws) => {
      const { network, made } = await makeEndpoint(aws);
      const list = await aws('ec2', 'DescribeNetworkInterfaces', {
        NetworkInterfaceIds: at(made, 'VpcEndpoint.NetworkInterfaceIds'),
      });
      return at(list, 'NetworkInterfaces.0.Groups.0.GroupId') === network.group;
    },
    true,
  );

  differs(
    'ec2-endpoint-removal',
    'its interfaces go a little later',
    async (aws) => {
      const { network, made } = await makeEndpoint(aws);
      await aws('ec2', 'DeleteVpcEndpoints', { VpcEndpointIds: [at(made, 'VpcEndpoint.VpcEndpointId')] });
      const remove = async () => (await aws('ec2', 'DeleteSubnet', { SubnetId: network.subnets[0] })).error;
      return [await remove(), await remove()];
    },
    ['DependencyViolation', undefined],
  );

  differs(
    'states-ec2.vpcEndpoint',
    'pending, available, deleting',
    async (aws) => {
      const { made } = await makeEndpoint(aws);
      const VpcEndpointIds = [at(made, 'VpcEndpoint.VpcEndpointId')];
      const ask = () => aws('ec2', 'DescribeVpcEndpoints', { VpcEndpointIds });
      const states = await walk(ask, 'VpcEndpoints.0.State', 2);
      await aws('ec2', 'DeleteVpcEndpoints', { VpcEndpointIds });
      return [...states, ...(await walk(ask, 'VpcEndpoints.0.State', 1))];
    },
    ['pending', 'available', 'deleting'],
  );

  const makeNat = async (aws: Aws) => {
    const network = await makeNetwork(aws);
    const made = await aws('ec2', 'CreateNatGateway', {
      SubnetId: network.subnets[0],
      ConnectivityType: 'private',
    });
    return { network, id: text(made, 'NatGateway.NatGatewayId') };
  };

  differs(
    'states-ec2.natGateway',
    'pending, available, deleting, deleted',
    async (aws) => {
      const { id } = await makeNat(aws);
      const ask = () => aws('ec2', 'DescribeNatGateways', { NatGatewayIds: [id] });
      const made = await walk(ask, 'NatGateways.0.State', 2);
      await aws('ec2', 'DeleteNatGateway', { NatGatewayId: id });
      return [...made, ...(await walk(ask, 'NatGateways.0.State', 2))];
    },
    ['pending', 'available', 'deleting', 'deleted'],
  );

  differs(
    'ec2-blackhole-route',
    'when its gateway is gone',
    async (aws) => {
      const { network, id } = await makeNat(aws);
      const RouteTableId = text(
        await aws('ec2', 'CreateRouteTable', { VpcId: network.vpc }),
        'RouteTable.RouteTableId',
      );
      await aws('ec2', 'CreateRoute', { RouteTableId, DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: id });
      await aws('ec2', 'DeleteNatGateway', { NatGatewayId: id });
      const table = await aws('ec2', 'DescribeRouteTables', { RouteTableIds: [RouteTableId] });
      return (at(table, 'RouteTables.0.Routes') as { NatGatewayId?: string; State: string }[]).find(
        (one) => one.NatGatewayId,
      )?.State;
    },
    'blackhole',
  );

  for (const [id, noun, list, create] of [
    ['lag-ec2.vpc', 'Vpc', 'Vpcs', { CidrBlock: '10.9.0.0/16' }],
    ['lag-ec2.securityGroup', 'SecurityGroup', 'SecurityGroups', { GroupName: 'l', Description: 'l' }],
  ] as const)
    differs(
      `lag-ec2.${id}`,
      'is not listed at once',
      async (aws, bed) => {
        await aws('ec2', `Describe${list}`);
        await bed.lag({ [id.slice('lag-'.length)]: 1 });
        const count = async () => (at(await aws('ec2', `Describe${list}`), list) as unknown[]).length;
        const before = await count();
        await aws('ec2', `Create${noun}`, create);
        return [(await count()) - before, (await count()) - before];
      },
      [0, 1],
    );

  differs(
    'lag-ec2.subnet',
    'is not found at once',
    async (aws, bed) => {
      const { vpc } = await makeNetwork(aws);
      await bed.lag({ 'ec2.subnet': 1 });
      const made = await aws('ec2', 'CreateSubnet', { VpcId: vpc, CidrBlock: '10.0.9.0/24' });
      const SubnetIds = [at(made, 'Subnet.SubnetId')];
      return walk(() => aws('ec2', 'DescribeSubnets', { SubnetIds }), 'Subnets.0.CidrBlock', 2);
    },
    ['InvalidSubnetID.NotFound', '10.0.9.0/24'],
  );

  differs(
    'lag-rds.subnetGroup',
    'is not found at once, and stays a while',
    async (aws, bed) => {
      const { subnets } = await makeNetwork(aws);
      await bed.lag({ 'rds.subnetGroup': 1 });
      await aws('rds', 'CreateDBSubnetGroup', {
        DBSubnetGroupName: 'sg',
        DBSubnetGroupDescription: 'x',
        SubnetIds: subnets,
      });
      const ask = () => aws('rds', 'DescribeDBSubnetGroups', { DBSubnetGroupName: 'sg' });
      const made = await walk(ask, 'DBSubnetGroups.0.DBSubnetGroupName', 2);
      await aws('rds', 'DeleteDBSubnetGroup', { DBSubnetGroupName: 'sg' });
      return [...made, ...(await walk(ask, 'DBSubnetGroups.0.DBSubnetGroupName', 2))];
    },
    ['DBSubnetGroupNotFoundFault', 'sg', 'sg', 'DBSubnetGroupNotFoundFault'],
  );
});

describe('identity, prices, quotas', () => {
  differs(
    'sts-caller-is-a-user',
    'of IAM',
    async (aws, bed) => {
      return String((await aws('sts', 'GetCallerIdentity')).Arn).replace(bed.account, '');
    },
    'arn:aws:iam:::user/lambdapg-test',
  );

  differs(
    'iam-simulation',
    'by the policies of a role',
    async (aws) => {
      const role = await aws('iam', 'CreateRole', {
        RoleName: 'r',
        AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
      });
      const PolicyDocument = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: 'rds:*', Resource: '*' },
          { Effect: 'Deny', Action: 'rds:DeleteDB*', Resource: '*' },
        ],
      });
      await aws('iam', 'PutRolePolicy', { RoleName: 'r', PolicyName: 'p', PolicyDocument });
      await aws('iam', 'AttachRolePolicy', {
        RoleName: 'r',
        PolicyArn: 'arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole',
      });
      const answer = await aws('iam', 'SimulatePrincipalPolicy', {
        PolicySourceArn: at(role, 'Role.Arn'),
        ActionNames: [
          'rds:CreateDBInstance',
          'rds:DeleteDBInstance',
          'lambda:ListFunctions',
          'ec2:CreateNetworkInterface',
        ],
      });
      return (answer.EvaluationResults as { EvalDecision: string }[]).map((one) => one.EvalDecision);
    },
    ['allowed', 'explicitDeny', 'implicitDeny', 'allowed'],
  );

  differs(
    'lag-iam.role',
    'is not found at once',
    async (aws, bed) => {
      await bed.lag({ 'iam.role': 1 });
      await aws('iam', 'CreateRole', {
        RoleName: 'r',
        AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
      });
      return walk(() => aws('iam', 'GetRole', { RoleName: 'r' }), 'Role.RoleName', 2);
    },
    ['NoSuchEntity', 'r'],
  );

  differs(
    'price-list',
    'amounts that nobody takes for real',
    async (aws) => {
      const Filters = [
        { Type: 'TERM_MATCH', Field: 'instanceType', Value: 'db.t4g.micro' },
        { Type: 'TERM_MATCH', Field: 'deploymentOption', Value: 'Single-AZ' },
      ];
      const answer = await aws('pricing', 'GetProducts', { ServiceCode: 'AmazonRDS', Filters });
      const [one] = (answer.PriceList as string[]).map((item) => JSON.parse(item) as { terms: unknown });
      return [
        (answer.PriceList as string[]).length,
        JSON.stringify(one).includes('"USD":"1111.0000000000"') ||
          JSON.stringify(one).includes('"USD": "1111.0000000000"'),
      ];
    },
    [1, true],
  );

  differs(
    'service-quotas',
    'of what is created',
    async (aws) => {
      const answer = await aws('service-quotas', 'GetServiceQuota', {
        ServiceCode: 'rds',
        QuotaCode: 'L-7B6409FD',
      });
      return at(answer, 'Quota.Value');
    },
    40,
  );
});
