import { setTimeout as sleep } from 'node:timers/promises';
import { type DBProxyTarget, RegisterDBProxyTargetsCommand } from '@aws-sdk/client-rds';
import { UserError } from '../../../errors.ts';
import { describeProxyTargets, proxyTargetGroup } from '../describe-database.ts';
import type { Look } from '../look.ts';
import { isOurs, nameOf } from '../stage.ts';
import { isOurRds } from '../steps/database-groups.ts';
import type { World } from '../steps/world.ts';

const patienceMs = 15 * 60_000;
const pauseMs = 5_000;

/**
 * Makes the database the target of a proxy that has none, and waits until the proxy has logged in. Stacks of Serverless and SAM leave the
 * target out: CloudFormation waits for it to be healthy, which it cannot be before the logins are made
 * (github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds-proxy, CreateHandler of the target group). Terraform
 * makes it at once and does not wait.
 *
 * @throws UserError PROXY_UNHEALTHY
 */
export async function registerTarget(world: World, look: Look): Promise<void> {
  const { aws, stage } = world;
  const DBProxyName = nameOf(stage, 'proxy');
  const proxy = await look.dbProxy(DBProxyName);
  if (proxy === undefined || !(await isOurRds(look, stage, proxy.DBProxyArn))) return;
  const targets = await describeProxyTargets(aws, DBProxyName);
  if (targets.length === 0) await register(world, look, DBProxyName);
  else if (targets.some(isHealthy)) return;
  await untilHealthy(world, DBProxyName);
}

const isHealthy = ({ TargetHealth }: DBProxyTarget): boolean => TargetHealth?.State === 'AVAILABLE';

async function register({ aws, stage, context }: World, look: Look, DBProxyName: string): Promise<void> {
  const database = nameOf(stage, 'db');
  const cluster = await look.dbCluster(database);
  const isCluster = cluster !== undefined && isOurs(stage, cluster.TagList);
  await aws.write.rds.send(
    new RegisterDBProxyTargetsCommand({
      DBProxyName,
      TargetGroupName: proxyTargetGroup,
      ...(isCluster ? { DBClusterIdentifiers: [database] } : { DBInstanceIdentifiers: [database] }),
    }),
  );
  context.report({ type: 'proxy-target', message: `${DBProxyName} is told of ${database} and logs in` });
}

async function untilHealthy({ aws, context }: World, proxy: string): Promise<void> {
  for (const end = Date.now() + patienceMs; ; ) {
    const targets = await describeProxyTargets(aws, proxy);
    if (targets.some(isHealthy)) return;
    if (Date.now() >= end) {
      const why = targets.map(({ TargetHealth: health }) =>
        [health?.State, health?.Reason, health?.Description].filter(Boolean).join(' '),
      );
      throw new UserError('PROXY_UNHEALTHY', `${proxy} does not reach its database: ${why.join('; ')}`, {
        suggestions: [
          'its role, its secrets and its security groups are what it needs; then lambdapg deploy again',
        ],
      });
    }
    await sleep(pauseMs, undefined, { signal: context.signal }).catch(() => context.signal.throwIfAborted());
  }
}
