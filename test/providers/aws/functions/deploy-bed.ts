import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { requestEvent } from '../../../../src/local/lambda/request-event.ts';
import { type CloudConfig, configSchema } from '../../../../src/project/config-schema.ts';
import type { Project } from '../../../../src/project/find-project.ts';
import { parseProjectName } from '../../../../src/project/names.ts';
import { type Deployed, deployStage } from '../../../../src/providers/aws/deploy-stage.ts';
import type { FunctionNeeds } from '../../../../src/providers/aws/functions/needs.ts';
import { openWorld } from '../../../../src/providers/aws/open-world.ts';
import { planDeploy } from '../../../../src/providers/aws/plan-deploy.ts';
import type { AwsStep, World } from '../../../../src/providers/aws/steps/world.ts';
import { type Bed, startBed } from '../../../bed/bed.ts';
import { makeTempDir, type TestContext, testContext } from '../../../postgres-server.ts';

type Config = Record<string, unknown>;

/** A stage whose database is there by word alone, with functions to deploy onto it. */
export interface DeployBed {
  readonly bed: Bed;
  readonly project: Project;
  readonly context: TestContext;
  /** What an invocation of a version answers, and what the public URL does. */
  readonly answers: { version: (version: string) => object; url: number };
  /** `version 1`, `url /health`: who was asked, in that order. */
  readonly asked: string[];
  /** Replaces `lambdapg.json`'s functions or sources. */
  change(changes: { functions?: Config; sources?: Record<string, string>; cloud?: Config }): Promise<void>;
  plan(only?: readonly string[]): ReturnType<typeof planDeploy>;
  deploy(only?: readonly string[]): Promise<Deployed>;
  world(): Promise<World>;
  readonly network: Network;
  /** `lambda:CreateFunction`: what was changed since `bed.clearRequests()`, the lock left out. */
  changes(): Promise<string[]>;
}

export const defaultFunctions: Config = {
  api: {
    handler: 'src/api.handler',
    routes: ['GET /health', 'ANY /books/{proxy+}'],
    environment: { MOOD: 'good' },
  },
  overdue: { handler: 'src/overdue.handler', schedule: 'rate(1 day)', reservedConcurrency: 2 },
};

const source = (text: string): string => `export const handler = async () => (${JSON.stringify(text)});\n`;

export async function startDeployBed(cloud: Config = {}, stage = 'dev'): Promise<DeployBed> {
  const bed = await startBed();
  onTestFinished(() => bed.stop());
  Object.assign(process.env, bed.environment);
  const dir = await makeTempDir();
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const asked: string[] = [];
  const answers: DeployBed['answers'] = { version: () => ({ statusCode: 200, body: 'ok' }), url: 200 };
  await serveFunctions(bed, asked, answers);
  const network = await findNetwork(bed);
  const pem = join(dir, 'rds.pem');
  await writeFile(pem, '-----BEGIN CERTIFICATE-----');
  const context = testContext({ env: { LAMBDAPG_RDS_CA: pem } });
  let project = makeProject(dir, defaultFunctions, cloud);
  const change: DeployBed['change'] = async ({ functions, sources = {}, cloud: other }) => {
    const { config } = project;
    project = makeProject(dir, functions ?? config.functions, other ?? config.cloud);
    for (const [path, text] of Object.entries(sources)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
  };
  await change({ sources: { 'src/api.ts': source('one'), 'src/overdue.ts': source('overdue') } });
  const world = () => openWorld(context, project, { stage, runner: false });
  const healthOf = () => {
    const path = project.config.cloud.healthPath;
    const request = requestEvent(project.config, 'GET', path);
    return request === undefined ? undefined : { ...request, path };
  };
  const plan = async (only?: readonly string[]) => {
    const now = await world();
    return planDeploy(context, now, project, { needs: needsOf(now, network), only, health: healthOf() });
  };
  return {
    ...{ bed, context, answers, asked, change, plan, world, network },
    get project() {
      return project;
    },
    async deploy(only) {
      const planned = await plan(only);
      return deployStage(context, await world(), planned, healthOf());
    },
    async changes() {
      const reads = /^(Get|List|Describe|Invoke)/;
      return (await bed.requests())
        .filter(({ service, action }) => service !== 'ssm' && !reads.test(action))
        .map(({ service, action }) => `${service}:${action}`);
    },
  };
}

export const textSource = source;

function makeProject(dir: string, functions: unknown, cloud: Config | CloudConfig): Project {
  const answers = { name: 'my-api', template: 'api', language: 'node', runtime: 'nodejs24.x' };
  return {
    dir,
    config: configSchema.parse({ ...answers, functions, cloud }),
    names: parseProjectName('my-api'),
  };
}

interface Network {
  readonly subnetIds: readonly string[];
  readonly groupId: string;
}

async function findNetwork(bed: Bed): Promise<Network> {
  const { Subnets } = await bed.aws<{ Subnets: { SubnetId: string }[] }>({
    ...{ service: 'ec2', action: 'DescribeSubnets' },
  });
  const input = { GroupName: 'function', Description: 'function' };
  const { GroupId } = await bed.aws<{ GroupId: string }>({
    service: 'ec2',
    action: 'CreateSecurityGroup',
    input,
  });
  return { subnetIds: Subnets.slice(0, 2).map(({ SubnetId }) => SubnetId), groupId: GroupId };
}

/** Steps of a stage that is ready as it stands. */
function needsOf({ stage }: World, { subnetIds, groupId }: Network): FunctionNeeds {
  const step = <Have>(id: string, have: Have): AwsStep<Have> => ({
    ...{ id, title: id, needs: [] },
    find: async () => ({ state: 'ready', have }),
    create: async () => {},
  });
  const secret = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:my-api-dev/active-AbCdEf';
  const host =
    stage.cloud.proxy === false ? 'db.example.rds.amazonaws.com' : 'my-api.proxy-x.rds.amazonaws.com';
  return {
    subnets: subnetIds.map((subnetId) => step(subnetId, { subnetId, zone: 'a' })),
    functionGroup: step('group-function', { groupId }),
    rules: step('group-rules', []),
    front: step('front', { host, port: 5432, resourceId: 'db-ABCDEFG' }),
    ...(stage.cloud.auth === 'secret' && { activeSecret: step('secret-active', { arn: secret }) }),
  };
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
