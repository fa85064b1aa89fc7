import { describe } from 'vitest';
import { type Aws, at, differs, makeFunction, makeNetwork, text, walk } from './differs.ts';

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
    'lambda-vpc-id',
    "is that of the function's subnets",
    async (aws) => {
      const { vpc, subnets: SubnetIds, group } = await makeNetwork(aws);
      await makeFunction(aws, { VpcConfig: { SubnetIds, SecurityGroupIds: [group] } });
      return at(await configuration(aws)(), 'VpcConfig.VpcId') === vpc;
    },
    true,
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

describe('API Gateway', () => {
  differs(
    'apigateway-update-stage',
    'changes what is named and leaves the rest',
    async (aws) => {
      const { ApiId } = await aws('apigatewayv2', 'CreateApi', { Name: 'a', ProtocolType: 'HTTP' });
      const stage = { ApiId, StageName: '$default' };
      await aws('apigatewayv2', 'CreateStage', { ...stage, AutoDeploy: true, Description: 'one' });
      const updated = await aws('apigatewayv2', 'UpdateStage', { ...stage, Description: 'two' });
      const missing = await aws('apigatewayv2', 'UpdateStage', { ApiId, StageName: 'none' });
      const ResourceArn = `arn:aws:apigateway:us-east-1::/apis/${ApiId}/stages/$default`;
      await aws('apigatewayv2', 'TagResource', { ResourceArn, Tags: { a: '1' } });
      const { Tags } = await aws('apigatewayv2', 'GetStage', stage);
      return [updated.AutoDeploy, updated.Description, missing.error, Tags];
    },
    [true, 'two', 'NotFoundException', { a: '1' }],
  );
});
