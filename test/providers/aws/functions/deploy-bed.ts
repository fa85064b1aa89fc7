import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Deployed } from '../../../../src/providers/aws/deploy-stage.ts';
import type { PlannedDeploy } from '../../../../src/providers/aws/plan-deploy.ts';
import { type Bed, startBed } from '../../../bed/bed.ts';
import { makeTempDir } from '../../../postgres-server.ts';
import { type Config, certificatesOf, type DeployInput, deployOnce, planOnce } from './deploy-run.ts';

/** A stage whose database is there by word alone, with functions to deploy onto it. */
export interface DeployBed {
  readonly bed: Bed;
  readonly input: DeployInput;
  /** What an invocation of a version answers, and what the public URL does. */
  readonly answers: { version: (version: string) => object; url: number };
  /** `version 1`, `url /health`: who was asked, in that order. */
  readonly asked: string[];
  /** Replaces `lambdapg.json`'s functions, or sources: texts that the function answers. */
  change(changes: { functions?: Config; sources?: Readonly<Record<string, string>> }): Promise<void>;
  plan(only?: readonly string[]): Promise<PlannedDeploy>;
  deploy(only?: readonly string[]): Promise<Deployed>;
  /** `lambda:CreateFunction`: what was changed since `bed.clearRequests()`, the lock left out. */
  changes(): Promise<string[]>;
}

export const defaultFunctions = {
  api: {
    handler: 'src/api.handler',
    routes: ['GET /health', 'ANY /books/{proxy+}'],
    environment: { MOOD: 'good' },
  },
  overdue: { handler: 'src/overdue.handler', schedule: 'rate(1 day)', reservedConcurrency: 2 },
};

export async function startDeployBed(cloud: Config = {}): Promise<DeployBed> {
  const bed = await startBed();
  onTestFinished(() => bed.stop());
  Object.assign(process.env, bed.environment);
  const dir = await makeTempDir();
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const asked: string[] = [];
  const answers: DeployBed['answers'] = { version: () => ({ statusCode: 200, body: 'ok' }), url: 200 };
  await serveFunctions(bed, asked, answers);
  await writeFile(certificatesOf(dir), '-----BEGIN CERTIFICATE-----');
  let input: DeployInput = { dir, functions: defaultFunctions, cloud, ...(await makeNetwork(bed)) };
  const change: DeployBed['change'] = async ({ functions, sources = {} }) => {
    input = { ...input, functions: functions ?? input.functions };
    for (const [path, text] of Object.entries(sources)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), `export const handler = async () => (${JSON.stringify(text)});\n`);
    }
  };
  await change({ sources: { 'src/api.ts': 'one', 'src/overdue.ts': 'one' } });
  const partOf = (only: readonly string[] | undefined) => ({ ...input, ...(only && { only }) });
  return {
    ...{ bed, answers, asked, change },
    get input() {
      return input;
    },
    plan: (only) => planOnce(partOf(only)),
    deploy: (only) => deployOnce(partOf(only)),
    async changes() {
      const reads = /^(Get|List|Describe|Invoke)/;
      return (await bed.requests())
        .filter(({ service, action }) => service !== 'ssm' && !reads.test(action))
        .map(({ service, action }) => `${service}:${action}`);
    },
  };
}

export async function aliasVersion({ bed }: DeployBed, fn = 'api'): Promise<unknown> {
  const input = { FunctionName: `my-api-dev-${fn}`, Name: 'live' };
  return (await bed.aws({ service: 'lambda', action: 'GetAlias', input })).FunctionVersion;
}

/** The inline policy of a function's role. */
export async function policyOf(
  { bed }: DeployBed,
  fn: string,
): Promise<{ Statement: Record<string, unknown>[] }> {
  const { PolicyDocument } = await bed.aws({
    ...{ service: 'iam', action: 'GetRolePolicy' },
    input: { RoleName: `my-api-dev-${fn}`, PolicyName: 'lambdapg' },
  });
  return JSON.parse(decodeURIComponent(String(PolicyDocument)));
}

/** Of the one HTTP API. */
export async function routesOf({ bed }: DeployBed): Promise<{ keys: string[]; integrations: number }> {
  const ask = async <Item>(action: string, input = {}): Promise<Item[]> =>
    (await bed.aws<{ Items: Item[] }>({ service: 'apigatewayv2', action, input })).Items;
  const apis = await ask<{ ApiId: string }>('GetApis');
  expect(apis.length).toBe(1);
  const input = { ApiId: apis[0]?.ApiId };
  const routes = await ask<{ RouteKey: string }>('GetRoutes', input);
  const integrations = await ask('GetIntegrations', input);
  return { keys: routes.map(({ RouteKey }) => RouteKey).sort(), integrations: integrations.length };
}

async function makeNetwork(bed: Bed): Promise<Pick<DeployInput, 'subnetIds' | 'groupId'>> {
  const { Subnets } = await bed.aws<{ Subnets: { SubnetId: string }[] }>({
    ...{ service: 'ec2', action: 'DescribeSubnets' },
  });
  const input = { GroupName: 'function', Description: 'function' };
  const { GroupId } = await bed.aws<{ GroupId: string }>({
    ...{ service: 'ec2', action: 'CreateSecurityGroup', input },
  });
  return { subnetIds: Subnets.slice(0, 2).map(({ SubnetId }) => SubnetId), groupId: GroupId };
}

/** Answers for versions and for the API's URL, as `answers` says. */
async function serveFunctions(bed: Bed, asked: string[], answers: DeployBed['answers']): Promise<void> {
  const server = createServer((request, response) => {
    asked.push(`url ${request.url}`);
    response.writeHead(answers.url).end('from the url');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await bed.hook({ instead: ['lambda:Invoke'] }, ({ input }) => {
    asked.push(`version ${input.Qualifier}`);
    const Payload = Buffer.from(JSON.stringify(answers.version(String(input.Qualifier)))).toString('base64');
    const LogResult = Buffer.from('START\nthe log says why\nEND\n').toString('base64');
    return { output: { StatusCode: 200, Payload, LogResult } };
  });
  await bed.hook({ after: ['apigatewayv2:GetApis'] }, ({ output }) => {
    const { Items = [] } = output as { Items?: object[] };
    return { output: { ...output, Items: Items.map((api) => ({ ...api, ApiEndpoint: url })) } };
  });
}
