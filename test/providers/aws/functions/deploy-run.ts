import { join } from 'node:path';
import type { Context } from '../../../../src/context.ts';
import { requestEvent } from '../../../../src/local/lambda/request-event.ts';
import { configSchema } from '../../../../src/project/config-schema.ts';
import type { Project } from '../../../../src/project/find-project.ts';
import { parseProjectName } from '../../../../src/project/names.ts';
import { type Deployed, deployStage } from '../../../../src/providers/aws/deploy-stage.ts';
import type { FunctionNeeds } from '../../../../src/providers/aws/functions/needs.ts';
import { openWorld } from '../../../../src/providers/aws/open-world.ts';
import { type PlannedDeploy, planDeploy } from '../../../../src/providers/aws/plan-deploy.ts';
import type { AwsStep, World } from '../../../../src/providers/aws/steps/world.ts';
import { testContext } from '../../../postgres-server.ts';

export type Config = Readonly<Record<string, unknown>>;

/** What a deployment is made of; JSON, so that another process can do the same. */
export interface DeployInput {
  readonly dir: string;
  readonly functions: Config;
  readonly cloud: Config;
  readonly subnetIds: readonly string[];
  readonly groupId: string;
  readonly only?: readonly string[];
}

export const certificatesOf = (dir: string): string => join(dir, 'rds.pem');

export async function planOnce(input: DeployInput): Promise<PlannedDeploy> {
  return (await prepare(input)).plan();
}

export async function deployOnce(input: DeployInput): Promise<Deployed> {
  const { context, world, health, plan } = await prepare(input);
  return deployStage(context, world, await plan(), health);
}

async function prepare(input: DeployInput) {
  const context: Context = testContext({ env: { LAMBDAPG_RDS_CA: certificatesOf(input.dir) } });
  const project = projectOf(input);
  const world = await openWorld(context, project, { stage: 'dev', runner: false });
  const path = project.config.cloud.healthPath;
  const request = requestEvent(project.config, 'GET', path);
  const health = request === undefined ? undefined : { ...request, path };
  const options = { needs: needsOf(world, input), only: input.only, health };
  return { context, world, health, plan: () => planDeploy(context, world, project, options) };
}

function projectOf({ dir, functions, cloud }: DeployInput): Project {
  const answers = { name: 'my-api', template: 'api', language: 'node', runtime: 'nodejs24.x' };
  const config = configSchema.parse({ ...answers, functions, cloud });
  return { dir, config, names: parseProjectName('my-api') };
}

export const secretArn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:my-api-dev/active-AbCdEf';

/** Steps of a stage that is ready as it stands. */
function needsOf({ stage }: World, { subnetIds, groupId }: DeployInput): FunctionNeeds {
  const step = <Have>(id: string, have: Have): AwsStep<Have> => ({
    ...{ id, title: id, needs: [] },
    find: async () => ({ state: 'ready', have }),
    create: async () => {},
  });
  return {
    subnets: subnetIds.map((subnetId) => step(subnetId, { subnetId, zone: 'a' })),
    functionGroup: step('group-function', { groupId }),
    rules: step('group-rules', []),
    front: step('front', { host: 'db.example.rds.amazonaws.com', port: 5432, resourceId: 'db-ABCDEFG' }),
    ...(stage.cloud.auth === 'secret' && { activeSecret: step('secret-active', { arn: secretArn }) }),
  };
}
