import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, startBed } from '../bed.ts';
import { awsOf, makeNetwork, text, trustLambda } from '../differs.ts';
import { clientOptions } from '../sdk.ts';
import { type DataPlane, startDataPlane } from './data-plane.ts';
import { zipOf } from './zip.ts';

let bed: Bed;
let plane: DataPlane;
let role: string;

beforeAll(async () => {
  bed = await startBed({ pace: { default: 0 } });
  plane = await startDataPlane(bed);
  const { Role } = await new IAMClient(clientOptions(bed)).send(
    new CreateRoleCommand({ RoleName: 'fn', AssumeRolePolicyDocument: JSON.stringify(trustLambda) }),
  );
  role = Role?.Arn ?? '';
});

afterAll(async () => {
  await plane.stop();
  await bed.stop();
});

/** Answers as CDK's provider framework does: by https, with the host and the path of the URL alone. */
const node = `
const https = require('node:https');
exports.handler = (event) => new Promise((resolve, reject) => {
  const { hostname, pathname, search } = new URL(event.ResponseURL);
  const { RequestType, ResourceProperties, LogicalResourceId } = event;
  const Status = ResourceProperties.fails === RequestType ? 'FAILED' : 'SUCCESS';
  const Data = { text: typeof ResourceProperties.number + ' ' + ResourceProperties.number };
  const PhysicalResourceId = 'thing-' + LogicalResourceId;
  const body = JSON.stringify({ ...event, Status, Reason: 'as asked', PhysicalResourceId, Data });
  const request = https.request({ hostname, path: pathname + search, method: 'PUT', timeout: Number(ResourceProperties.limitMs ?? 30000) }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode));
  });
  request.on('error', reject).on('timeout', () => request.destroy(new Error('timeout'))).end(body);
});`;
const python = `
import json, urllib.request
def handler(event, context):
    body = json.dumps({**event, "Status": "SUCCESS", "PhysicalResourceId": "thing", "Data": {"text": "by Python"}}).encode()
    request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT")
    return urllib.request.urlopen(request).status
`;

async function create(FunctionName: string, change: object = {}): Promise<void> {
  const isPython = FunctionName === 'python';
  await new LambdaClient(clientOptions(bed)).send(
    new CreateFunctionCommand({
      ...{ FunctionName, Role: role, Handler: 'index.handler', Timeout: 40 },
      Runtime: isPython ? 'python3.13' : 'nodejs24.x',
      Code: { ZipFile: await zipOf(isPython ? { 'index.py': python } : { 'index.js': node }) },
      ...change,
    }),
  );
}

async function deploy(StackName: string, functionName: string, properties: object = {}): Promise<string[]> {
  const aws = awsOf(bed, false);
  const Properties = {
    ServiceToken: `arn:aws:lambda:${bed.region}:${bed.account}:function:${functionName}`,
    ...{ ...properties, number: 7 },
  };
  const TemplateBody = JSON.stringify({
    Resources: { Thing: { Type: 'Custom::Thing', Properties } },
    Outputs: { text: { Value: { 'Fn::GetAtt': ['Thing', 'text'] } }, id: { Value: { Ref: 'Thing' } } },
  });
  await aws('cloudformation', 'CreateStack', { StackName, TemplateBody });
  for (;;) {
    const { Stacks } = (await aws('cloudformation', 'DescribeStacks', { StackName })) as unknown as {
      readonly Stacks: readonly [{ StackStatus: string; Outputs?: { OutputValue: string }[] }];
    };
    const [{ StackStatus, Outputs = [] }] = Stacks;
    if (!StackStatus.endsWith('_IN_PROGRESS'))
      return [StackStatus, ...Outputs.map(({ OutputValue }) => OutputValue)];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('a custom resource is what its function answers, of Node and of Python', async () => {
  await create('node');
  await create('python');
  expect(await deploy('by-node', 'node')).toEqual(['CREATE_COMPLETE', 'string 7', 'thing-Thing']);
  expect(await deploy('by-python', 'python')).toEqual(['CREATE_COMPLETE', 'by Python', 'thing']);
  expect(await deploy('failing', 'node', { fails: 'Create' })).toEqual(['ROLLBACK_COMPLETE']);
});

test('a function in a network without a way to S3 cannot answer, one with an endpoint can', async () => {
  const aws = awsOf(bed, false);
  const { vpc, subnets: SubnetIds, group } = await makeNetwork(aws);
  await create('inside', { VpcConfig: { SubnetIds, SecurityGroupIds: [group] } });
  expect((await deploy('isolated', 'inside', { limitMs: 2_000 }))[0]).toMatch(/^ROLLBACK_(COMPLETE|FAILED)$/);
  const table = await aws('ec2', 'CreateRouteTable', { VpcId: vpc });
  const RouteTableId = text(table, 'RouteTable.RouteTableId');
  for (const SubnetId of SubnetIds) await aws('ec2', 'AssociateRouteTable', { RouteTableId, SubnetId });
  await aws('ec2', 'CreateVpcEndpoint', {
    ...{ VpcId: vpc, ServiceName: `com.amazonaws.${bed.region}.s3`, RouteTableIds: [RouteTableId] },
  });
  expect((await deploy('with-endpoint', 'inside'))[0]).toBe('CREATE_COMPLETE');
});
