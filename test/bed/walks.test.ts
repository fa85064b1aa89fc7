import {
  ApiGatewayV2Client,
  CreateApiCommand,
  CreateRouteCommand,
  GetApisCommand,
} from '@aws-sdk/client-apigatewayv2';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient, PutRuleCommand } from '@aws-sdk/client-eventbridge';
import { AttachRolePolicyCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateFunctionCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { GetProductsCommand, PricingClient } from '@aws-sdk/client-pricing';
import {
  CreateDBInstanceCommand,
  DeleteDBInstanceCommand,
  RDSClient,
  waitUntilDBInstanceAvailable,
  waitUntilDBInstanceDeleted,
} from '@aws-sdk/client-rds';
import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bed, startBed } from './bed.ts';
import { awsOf, emptyZip, instanceInput, makeFunction, trustLambda, walk } from './differs.ts';
import { clientOptions, errorOf } from './sdk.ts';

let bed: Bed;
beforeEach(async () => {
  bed = await startBed();
});
afterEach(() => bed.stop());

const quick = { maxWaitTime: 30, minDelay: 0.01, maxDelay: 0.02 };
const actions = async (action: string) => (await bed.requests()).filter((one) => one.action === action);

describe("the SDK's waiters walk through the states", () => {
  test('of an instance', async () => {
    const client = new RDSClient(clientOptions(bed));
    await bed.pace({ 'rds.instance': 3 });
    await client.send(new CreateDBInstanceCommand(instanceInput() as never));
    await waitUntilDBInstanceAvailable({ client, ...quick }, { DBInstanceIdentifier: 'db1' });
    expect(await actions('DescribeDBInstances')).toHaveLength(4);
    await client.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'db1', SkipFinalSnapshot: true }));
    await waitUntilDBInstanceDeleted({ client, ...quick }, { DBInstanceIdentifier: 'db1' });
    expect(await actions('DescribeDBInstances')).toHaveLength(8);
  });

  test('of a function', async () => {
    const client = new LambdaClient(clientOptions(bed));
    const role = await new IAMClient(clientOptions(bed)).send(
      new CreateRoleCommand({ RoleName: 'f', AssumeRolePolicyDocument: JSON.stringify(trustLambda) }),
    );
    await bed.pace({ 'lambda.function': 2 });
    const FunctionName = 'f';
    await client.send(
      new CreateFunctionCommand({
        FunctionName,
        Runtime: 'nodejs22.x',
        Handler: 'i.h',
        Role: role.Role!.Arn!,
        Code: { ZipFile: Buffer.from(emptyZip, 'base64') },
      }),
    );
    await waitUntilFunctionActiveV2({ client, ...quick }, { FunctionName });
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 9 }));
    await waitUntilFunctionUpdatedV2({ client, ...quick }, { FunctionName });
    expect(await actions('GetFunction')).toHaveLength(6);
    expect(await bed.functionCode(FunctionName)).toMatchObject({ zip: emptyZip, version: '$LATEST' });
  });
});

describe('calls of other services', () => {
  test('are recognised, logged and right by the models', async () => {
    const options = clientOptions(bed);
    const gateway = new ApiGatewayV2Client(options);
    const api = await gateway.send(new CreateApiCommand({ Name: 'api', ProtocolType: 'HTTP' }));
    await gateway.send(new CreateRouteCommand({ ApiId: api.ApiId, RouteKey: 'GET /items/{id}' }));
    expect((await gateway.send(new GetApisCommand({}))).Items).toHaveLength(1);
    const logs = new CloudWatchLogsClient(options);
    await logs.send(new CreateLogGroupCommand({ logGroupName: '/aws/lambda/f' }));
    await logs.send(new PutRetentionPolicyCommand({ logGroupName: '/aws/lambda/f', retentionInDays: 14 }));
    await new EventBridgeClient(options).send(
      new PutRuleCommand({ Name: 'r', ScheduleExpression: 'rate(1 minute)' }),
    );
    const iam = new IAMClient(options);
    await iam.send(
      new CreateRoleCommand({ RoleName: 'f', AssumeRolePolicyDocument: JSON.stringify(trustLambda) }),
    );
    const PolicyArn = 'arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole';
    await iam.send(new AttachRolePolicyCommand({ RoleName: 'f', PolicyArn }));
    const prices = await new PricingClient(options).send(
      new GetProductsCommand({ ServiceCode: 'AmazonRDS' }),
    );
    expect(prices.PriceList!.length).toBeGreaterThan(10);
    expect((await bed.requests()).map((one) => `${one.service}:${one.action}`)).toEqual([
      'apigatewayv2:CreateApi',
      'apigatewayv2:CreateRoute',
      'apigatewayv2:GetApis',
      'logs:CreateLogGroup',
      'logs:PutRetentionPolicy',
      'events:PutRule',
      'iam:CreateRole',
      'iam:AttachRolePolicy',
      'pricing:GetProducts',
    ]);
    expect((await actions('CreateRoute'))[0]?.input).toEqual({
      ApiId: api.ApiId,
      RouteKey: 'GET /items/{id}',
    });
  });

  test('the Data API is a hook', async () => {
    await bed.hook({ instead: ['rds-data:ExecuteStatement'] }, () => ({
      output: {
        numberOfRecordsUpdated: 0,
        records: [[{ longValue: 1 }, { stringValue: 'é' }, { blobValue: 'AAE=' }]],
      },
    }));
    const arn = 'arn:aws:rds:us-east-1:123456789012:cluster:c';
    const answer = await new RDSDataClient(clientOptions(bed)).send(
      new ExecuteStatementCommand({ resourceArn: arn, secretArn: arn, sql: 'select 1' }),
    );
    expect(answer.records).toEqual([
      [{ longValue: 1 }, { stringValue: 'é' }, { blobValue: Uint8Array.from([0, 1]) }],
    ]);
  });
});

describe('what a test may set', () => {
  test('policies of the caller, by action', async () => {
    const client = new SecretsManagerClient(clientOptions(bed));
    await bed.allowOnly([
      {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'secretsmanager:Create*', Resource: '*' }],
      },
    ]);
    await client.send(new CreateSecretCommand({ Name: 's', SecretString: 'x' }));
    const read = () => client.send(new GetSecretValueCommand({ SecretId: 's' }));
    expect(await errorOf(read())).toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('secretsmanager:GetSecretValue'),
    });
    await bed.allowOnly(null);
    expect((await read()).SecretString).toBe('x');
  });

  test('a fault that fits a part of the input, after some calls', async () => {
    const client = new SecretsManagerClient({ ...clientOptions(bed), maxAttempts: 1 });
    await bed.fault({ action: 'CreateSecret', kind: 'error-after', match: { Name: 'b' }, skip: 1 });
    const create = (Name: string) => client.send(new CreateSecretCommand({ Name, SecretString: 'x' }));
    await create('a');
    await create('b');
    expect(await bed.faults()).toMatchObject([{ count: 1, skip: 0 }]);
    await client.send(new CreateSecretCommand({ Name: 'c' }));
    expect(await errorOf(create('b'))).toMatchObject({ name: 'ResourceExistsException' });
    await bed.clearFaults();
    await bed.fault({ action: 'CreateSecret', kind: 'error-after' });
    expect(await errorOf(create('d'))).toMatchObject({ name: 'InternalServiceError' });
    expect((await client.send(new GetSecretValueCommand({ SecretId: 'd' }))).SecretString).toBe('x');
  });

  test('an answer of a hook that breaks the model fails the test', async () => {
    const other = await startBed();
    await other.hook({ instead: ['secretsmanager:GetSecretValue'] }, () => ({ output: { Name: 7 } }));
    await errorOf(
      new SecretsManagerClient(clientOptions(other)).send(new GetSecretValueCommand({ SecretId: 's' })),
    );
    await expect(other.stop()).rejects.toThrow(/answer secretsmanager:GetSecretValue/);
  });
});

describe('a change is seen late', () => {
  test('of an instance: made, changed and deleted', async () => {
    const aws = awsOf(bed, false);
    await bed.lag({ 'rds.instance': 1 });
    const see = (asks: number) =>
      walk(
        () => aws('rds', 'DescribeDBInstances', { DBInstanceIdentifier: 'db1' }),
        'DBInstances.0.DBInstanceStatus',
        asks,
      );
    await aws('rds', 'CreateDBInstance', instanceInput());
    expect(await see(3)).toEqual(['DBInstanceNotFound', 'creating', 'available']);
    const later = { DBInstanceIdentifier: 'db1', BackupRetentionPeriod: 9, ApplyImmediately: true };
    await aws('rds', 'ModifyDBInstance', later);
    expect(await see(3)).toEqual(['available', 'modifying', 'available']);
    await aws('rds', 'DeleteDBInstance', { DBInstanceIdentifier: 'db1', SkipFinalSnapshot: true });
    expect(await see(3)).toEqual(['available', 'deleting', 'DBInstanceNotFound']);
    expect((await aws('rds', 'DescribeDBInstances')).DBInstances).toEqual([]);
  });

  test('of a function: a list does not hold it yet', async () => {
    const aws = awsOf(bed, false);
    await bed.lag({ 'lambda.function': 2 });
    expect((await makeFunction(aws)).State).toBe('Pending');
    expect((await aws('lambda', 'ListFunctions')).Functions).toEqual([]);
    const seen = await walk(
      () => aws('lambda', 'GetFunction', { FunctionName: 'f' }),
      'Configuration.State',
      2,
    );
    expect(seen).toEqual(['Pending', 'Active']);
  });
});
