import {
  CreateDBProxyCommand,
  type DBProxy,
  DeleteDBProxyCommand,
  DescribeDBProxyTargetGroupsCommand,
  ModifyDBProxyCommand,
  ModifyDBProxyTargetGroupCommand,
  RegisterDBProxyTargetsCommand,
} from '@aws-sdk/client-rds';
import type { ProxyConfig } from '../../../project/config-schema.ts';
import type { Difference } from '../../../provision/step.ts';
import { proxyTargetGroup } from '../describe-database.ts';
import { unlessGone } from '../judge.ts';
import { nameOf, notOurs, tagsOf } from '../stage.ts';
import { compare } from './database.ts';
import { isOurRds } from './database-groups.ts';
import { type RoleHave, roleStep, type Statement } from './iam-role.ts';
import { proxyAnswerStep } from './proxy-answer.ts';
import type { ProxyHave, ProxyNeeds } from './proxy-haves.ts';
import { readerEndpointStep } from './proxy-reader.ts';
import { absent } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

/** The proxy's steps; `ready` is the last: a statement went through. */
export interface ProxySteps {
  readonly proxy: AwsStep<ProxyHave>;
  readonly ready: AwsStep<ProxyHave>;
  readonly all: readonly AwsStep<unknown>[];
}

const minuteMs = 60_000;

export function proxySteps(world: World, settings: ProxyConfig, needs: ProxyNeeds): ProxySteps {
  const role = proxyRole(world, needs);
  const proxy = proxyStep(world, settings, role, needs);
  const pool = poolStep(world, settings, proxy);
  const target = targetStep(world, proxy, pool, needs);
  const ready = proxyAnswerStep(world, target, needs.database);
  const { cloud } = world.stage;
  const reader =
    cloud.database.kind === 'aurora' && cloud.database.reader
      ? [readerEndpointStep(world, proxy, needs)]
      : [];
  return { proxy, ready, all: [role, proxy, pool, target, ready, ...reader] };
}

/** What the proxy may do: read the slots' secrets, or log in by IAM as the slots. */
function proxyRole(world: World, { slots, database }: ProxyNeeds): AwsStep<RoleHave> {
  const { aws, stage } = world;
  return roleStep(world, {
    resource: 'proxy',
    service: 'rds.amazonaws.com',
    needs: slots.length > 0 ? slots : [database],
    async statements(haves): Promise<Statement[]> {
      if (slots.length > 0) {
        const arns = slots.map((slot) => haves.get(slot).arn);
        return [{ Effect: 'Allow', Action: ['secretsmanager:GetSecretValue'], Resource: arns }];
      }
      const { account, partition } = await aws.identity();
      const base = `arn:${partition}:rds-db:${aws.region}:${account}:dbuser:${haves.get(database).resourceId}`;
      const users = ['a', 'b'].map((slot) => `${base}/${stage.snake}_${slot}`);
      return [{ Effect: 'Allow', Action: ['rds-db:connect'], Resource: users }];
    },
  });
}

function proxyStep(
  world: World,
  settings: ProxyConfig,
  role: AwsStep<RoleHave>,
  needs: ProxyNeeds,
): AwsStep<ProxyHave> {
  const { aws, stage } = world;
  const name = nameOf(stage, 'proxy');
  const { requireTls: RequireTLS, idleClientTimeoutSeconds: IdleClientTimeout } = settings;
  return {
    id: 'proxy',
    title: `RDS Proxy ${name}`,
    needs: [role, ...needs.subnets, needs.group, needs.rules, ...needs.slots],
    patienceMs: 30 * minuteMs,
    async find(look) {
      const proxy = await look.dbProxy(name);
      if (proxy === undefined) return absent;
      if (!(await isOurRds(look, stage, proxy.DBProxyArn))) return { state: 'foreign', why: notOurs(name) };
      const why = String(proxy.Status);
      if (why === 'deleting') return { state: 'pending', why };
      const have = proxyHave(proxy);
      if (why !== 'available') return { state: 'pending', have, why };
      const differences = [
        ...compare('RequireTLS', proxy.RequireTLS, RequireTLS),
        ...compare('IdleClientTimeout', proxy.IdleClientTimeout, IdleClientTimeout),
      ];
      return differences.length > 0 ? { state: 'drifted', have, differences } : { state: 'ready', have };
    },
    async create(haves) {
      await aws.write.rds.send(
        new CreateDBProxyCommand({
          DBProxyName: name,
          EngineFamily: 'POSTGRESQL',
          RoleArn: haves.get(role).arn,
          VpcSubnetIds: needs.subnets.map((subnet) => haves.get(subnet).subnetId),
          VpcSecurityGroupIds: [haves.get(needs.group).groupId],
          RequireTLS,
          IdleClientTimeout,
          Tags: tagsOf(stage, 'proxy'),
          ...(needs.slots.length === 0
            ? { DefaultAuthScheme: 'IAM_AUTH' }
            : {
                Auth: needs.slots.map((slot) => ({
                  AuthScheme: 'SECRETS' as const,
                  SecretArn: haves.get(slot).arn,
                  IAMAuth: 'DISABLED' as const,
                  ClientPasswordAuthType: 'POSTGRES_SCRAM_SHA_256' as const,
                })),
              }),
        }),
      );
    },
    async update() {
      await aws.write.rds.send(
        new ModifyDBProxyCommand({ DBProxyName: name, RequireTLS, IdleClientTimeout }),
      );
    },
    async remove() {
      await aws.write.rds.send(new DeleteDBProxyCommand({ DBProxyName: name }));
    },
  };
}

/** The pool's settings. A new proxy comes with a target group of AWS's own defaults. */
function poolStep(world: World, settings: ProxyConfig, proxy: AwsStep<ProxyHave>): AwsStep<null> {
  const { aws, stage } = world;
  const DBProxyName = nameOf(stage, 'proxy');
  const want = {
    MaxConnectionsPercent: settings.maxConnectionsPercent,
    MaxIdleConnectionsPercent: Math.min(settings.maxIdleConnectionsPercent, settings.maxConnectionsPercent),
    ConnectionBorrowTimeout: settings.borrowTimeoutSeconds,
    InitQuery: settings.initQuery ?? '',
  };
  const modify = async (): Promise<void> => {
    await aws.write.rds.send(
      new ModifyDBProxyTargetGroupCommand({
        DBProxyName,
        TargetGroupName: proxyTargetGroup,
        ConnectionPoolConfig: want,
      }),
    );
  };
  return {
    id: 'proxy-pool',
    title: `pool of ${DBProxyName} (${want.MaxConnectionsPercent} % of max_connections)`,
    needs: [proxy],
    async find() {
      const answer = await unlessGone(
        aws.read.rds.send(
          new DescribeDBProxyTargetGroupsCommand({ DBProxyName, TargetGroupName: proxyTargetGroup }),
        ),
      );
      const pool = answer?.TargetGroups?.[0]?.ConnectionPoolConfig;
      if (answer?.TargetGroups?.[0] === undefined) return absent;
      const differences: Difference[] = [
        ...compare('MaxConnectionsPercent', pool?.MaxConnectionsPercent ?? 100, want.MaxConnectionsPercent),
        ...compare(
          'MaxIdleConnectionsPercent',
          pool?.MaxIdleConnectionsPercent ?? 50,
          want.MaxIdleConnectionsPercent,
        ),
        ...compare(
          'ConnectionBorrowTimeout',
          pool?.ConnectionBorrowTimeout ?? 120,
          want.ConnectionBorrowTimeout,
        ),
        ...compare('InitQuery', pool?.InitQuery ?? '', want.InitQuery),
      ];
      return differences.length > 0
        ? { state: 'drifted', have: null, differences }
        : { state: 'ready', have: null };
    },
    // It comes with the proxy: there is nothing to ask for but its settings.
    create: modify,
    update: modify,
  };
}

/** The database as the proxy's target. Ready means: the proxy logged in. */
function targetStep(
  world: World,
  proxy: AwsStep<ProxyHave>,
  pool: AwsStep<null>,
  { database, logins }: ProxyNeeds,
): AwsStep<ProxyHave> {
  const { aws, stage } = world;
  const DBProxyName = nameOf(stage, 'proxy');
  const aurora = stage.cloud.database.kind === 'aurora';
  return {
    id: 'proxy-target',
    title: `target of ${DBProxyName}`,
    needs: [proxy, pool, database, logins],
    patienceMs: 15 * minuteMs,
    async find(look) {
      const [targets, found] = await Promise.all([look.dbProxyTargets(DBProxyName), proxy.find(look)]);
      if (targets.length === 0 || !('have' in found) || found.have === undefined) return absent;
      const sick = targets.find(({ TargetHealth }) => TargetHealth?.State !== 'AVAILABLE');
      const healthy = targets.some(({ TargetHealth }) => TargetHealth?.State === 'AVAILABLE');
      if (healthy) return { state: 'ready', have: found.have };
      const { State = 'unknown', Reason = '', Description = '' } = sick?.TargetHealth ?? {};
      return {
        state: 'pending',
        have: found.have,
        why: [State, Reason, Description].filter(Boolean).join(' '),
      };
    },
    async create(haves) {
      const { id } = haves.get(database);
      await aws.write.rds.send(
        new RegisterDBProxyTargetsCommand({
          DBProxyName,
          TargetGroupName: proxyTargetGroup,
          ...(aurora ? { DBClusterIdentifiers: [id] } : { DBInstanceIdentifiers: [id] }),
        }),
      );
    },
  };
}

function proxyHave({ DBProxyName: name = '', Endpoint: host = '', DBProxyArn = '' }: DBProxy): ProxyHave {
  return { name, host, port: 5432, resourceId: DBProxyArn.split(':').at(-1) ?? '' };
}
