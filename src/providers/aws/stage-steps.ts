import type { SecurityGroup } from '@aws-sdk/client-ec2';
import { clusterStep, memberStep } from './steps/cluster.ts';
import { parameterGroupStep, subnetGroupStep } from './steps/database-groups.ts';
import type { DatabaseHave } from './steps/database-have.ts';
import { secretsEndpoint } from './steps/endpoint.ts';
import { instanceStep, replicaStep } from './steps/instance.ts';
import { loginsStep } from './steps/logins.ts';
import { existingNetwork, newNetwork } from './steps/network.ts';
import type { SubnetHave } from './steps/network-haves.ts';
import { proxySteps } from './steps/proxy.ts';
import type { ProxyHave } from './steps/proxy-haves.ts';
import { runnerSteps } from './steps/runner.ts';
import { loginSecrets, type SecretHave } from './steps/secrets.ts';
import {
  type GroupHave,
  type GroupSteps,
  type Passage,
  passagesOf,
  securityGroups,
} from './steps/security-groups.ts';
import type { AwsStep, World } from './steps/world.ts';

/** Everything of a stage below its functions, and what functions need of it. */
export interface StageSteps {
  readonly all: readonly AwsStep<unknown>[];
  readonly subnets: readonly AwsStep<SubnetHave>[];
  readonly functionGroup: AwsStep<GroupHave>;
  readonly rules: AwsStep<readonly SecurityGroup[]>;
  /** Who may talk to whom. */
  readonly passages: readonly Passage[];
  readonly database: AwsStep<DatabaseHave>;
  /** Where functions connect to: the proxy, or the database itself. */
  readonly front: AwsStep<DatabaseHave | ProxyHave>;
  /** What functions read their login from; absent with IAM. */
  readonly activeSecret?: AwsStep<SecretHave>;
  readonly logins: AwsStep<null>;
  readonly proxy?: AwsStep<ProxyHave>;
}

/** The steps of `provision` from a stage's answers. What is not wanted is not among them. */
export function stageSteps(world: World): StageSteps {
  const { cloud, runner } = world.stage;
  const network = cloud.network.kind === 'existing' ? existingNetwork(world) : newNetwork(world);
  // Functions read the secret; with IAM there is none, and subnets with a way out need no endpoint.
  const needsEndpoint = cloud.network.kind === 'isolated' && cloud.auth === 'secret';
  const passages = passagesOf(world, needsEndpoint);
  const groups = securityGroups(world, network.vpc, passages);
  const endpoint = needsEndpoint
    ? [
        secretsEndpoint(world, {
          vpc: network.vpc,
          subnets: network.subnets,
          group: getGroup(groups, 'endpoint'),
        }),
      ]
    : [];
  const { subnets } = network;
  const database = databaseSteps(world, subnets, groups);
  const secrets = cloud.auth === 'iam' ? undefined : loginSecrets(world);
  const allSecrets = secrets === undefined ? [] : [...secrets.slots, secrets.active];
  const run = runner
    ? runnerSteps(world, { subnets, group: getGroup(groups, 'runner'), rules: groups.rules })
    : undefined;
  const logins = loginsStep(world, {
    database: database.database,
    secrets: allSecrets,
    ...(run !== undefined && { runner: run.runner }),
  });
  const proxy =
    cloud.proxy === false
      ? undefined
      : proxySteps(world, cloud.proxy, {
          ...{ subnets, logins, group: getGroup(groups, 'proxy'), rules: groups.rules },
          database: database.database,
          slots: secrets?.slots ?? [],
        });
  return {
    all: [
      ...network.all,
      ...groups.all,
      ...endpoint,
      ...database.all,
      ...allSecrets,
      ...(run?.all ?? []),
      logins,
      ...(proxy?.all ?? []),
    ],
    subnets,
    functionGroup: getGroup(groups, 'function'),
    rules: groups.rules,
    passages,
    database: database.database,
    front: proxy?.ready ?? database.database,
    ...(secrets !== undefined && { activeSecret: secrets.active }),
    logins,
    ...(proxy !== undefined && { proxy: proxy.ready }),
  };
}

function databaseSteps(world: World, subnets: readonly AwsStep<SubnetHave>[], groups: GroupSteps) {
  const subnetGroup = subnetGroupStep(world, subnets);
  const parameterGroup = parameterGroupStep(world);
  const needs = { subnetGroup, parameterGroup, group: getGroup(groups, 'database'), rules: groups.rules };
  const { kind, reader } = world.stage.cloud.database;
  if (kind === 'rds') {
    const database = instanceStep(world, needs);
    return {
      database,
      all: [subnetGroup, parameterGroup, database, ...(reader ? [replicaStep(world, database)] : [])],
    };
  }
  const cluster = clusterStep(world, needs);
  const database = memberStep(world, cluster, 'db-1');
  const readers = reader ? [memberStep(world, cluster, 'db-reader', [database])] : [];
  return { database, all: [subnetGroup, parameterGroup, cluster, database, ...readers] };
}

function getGroup({ groups }: GroupSteps, name: string): AwsStep<GroupHave> {
  const group = groups[name];
  if (group === undefined) throw new Error(`no passage names the group ${name}`);
  return group;
}
