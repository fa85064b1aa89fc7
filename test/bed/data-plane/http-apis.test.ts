import {
  ApiGatewayV2Client,
  CreateApiCommand,
  CreateIntegrationCommand,
  CreateRouteCommand,
  CreateStageCommand,
  DeleteApiCommand,
  GetApisCommand,
} from '@aws-sdk/client-apigatewayv2';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionCommand,
  LambdaClient,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, startBed } from '../bed.ts';
import { clientOptions } from '../sdk.ts';
import { type DataPlane, startDataPlane } from './data-plane.ts';
import { zipOf } from './zip.ts';

let bed: Bed;
let plane: DataPlane;

beforeAll(async () => {
  bed = await startBed({ pace: { default: 0 } });
  plane = await startDataPlane(bed);
});

afterAll(async () => {
  await plane.stop();
  await bed.stop();
});

const code = (answer: string) =>
  zipOf({ 'index.mjs': `export const handler = async (event) => (${answer});` });

test('an HTTP API answers by the function behind its route, once it may invoke it', async () => {
  const lambda = new LambdaClient(clientOptions(bed));
  const gateway = new ApiGatewayV2Client(clientOptions(bed));
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const { Role } = await new IAMClient(clientOptions(bed)).send(
    new CreateRoleCommand({
      RoleName: 'fn',
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    }),
  );
  await lambda.send(
    new CreateFunctionCommand({
      ...{ FunctionName: 'api', Role: Role?.Arn, Runtime: 'nodejs24.x', Handler: 'index.handler' },
      Timeout: 30,
      Code: {
        ZipFile: await code('{ statusCode: 201, body: JSON.stringify(event), headers: { "x-own": "1" } }'),
      },
    }),
  );
  const { Version = '' } = await lambda.send(new PublishVersionCommand({ FunctionName: 'api' }));
  const alias = await lambda.send(
    new CreateAliasCommand({ FunctionName: 'api', Name: 'live', FunctionVersion: Version }),
  );
  // What the alias serves stays what was published.
  await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: 'api', ZipFile: await code('"new"') }));

  const { ApiId, ApiEndpoint = '' } = await gateway.send(
    new CreateApiCommand({ Name: 'shop', ProtocolType: 'HTTP' }),
  );
  expect(ApiEndpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const { IntegrationId } = await gateway.send(
    new CreateIntegrationCommand({
      ...{ ApiId, IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0' },
      IntegrationUri: alias.AliasArn,
    }),
  );
  await gateway.send(
    new CreateRouteCommand({ ApiId, RouteKey: 'GET /books/{id}', Target: `integrations/${IntegrationId}` }),
  );
  const statusOf = async (path: string, init?: RequestInit) =>
    (await fetch(`${ApiEndpoint}${path}`, init)).status;
  expect(await statusOf('/books/7')).toBe(404);
  await gateway.send(new CreateStageCommand({ ApiId, StageName: '$default', AutoDeploy: true }));
  expect(await statusOf('/books/7')).toBe(500);
  await lambda.send(
    new AddPermissionCommand({
      ...{ FunctionName: 'api', Qualifier: 'live', StatementId: 'api', Action: 'lambda:InvokeFunction' },
      Principal: 'apigateway.amazonaws.com',
      SourceArn: `arn:aws:execute-api:${bed.region}:${bed.account}:${ApiId}/*/*`,
    }),
  );
  const response = await fetch(`${ApiEndpoint}/books/7?a=b`);
  const event = await response.json();
  expect([response.status, response.headers.get('x-own')]).toEqual([201, '1']);
  expect(event).toMatchObject({
    ...{ version: '2.0', routeKey: 'GET /books/{id}', pathParameters: { id: '7' } },
    requestContext: { accountId: bed.account, apiId: ApiId, stage: '$default' },
  });
  expect(await statusOf('/books/7', { method: 'POST' })).toBe(404);

  const { Items } = await gateway.send(new GetApisCommand({}));
  expect(Items?.map((item) => item.ApiEndpoint)).toEqual([ApiEndpoint]);
  await gateway.send(new DeleteApiCommand({ ApiId }));
  await expect(fetch(ApiEndpoint)).rejects.toThrow();
});
