import {
  CreateDBProxyEndpointCommand,
  DeleteDBProxyEndpointCommand,
  DescribeDBProxyEndpointsCommand,
} from '@aws-sdk/client-rds';
import { unlessGone } from '../judge.ts';
import { nameOf, notOurs, tagsOf } from '../stage.ts';
import type { ProxyHave, ProxyNeeds } from './proxy-haves.ts';
import { absent } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

/** The read-only endpoint of the proxy: Aurora and Multi-AZ clusters have one, RDS instances do not. */
export function readerEndpointStep(
  world: World,
  proxy: AwsStep<ProxyHave>,
  needs: ProxyNeeds,
): AwsStep<{ host: string }> {
  const { aws, stage } = world;
  const name = nameOf(stage, 'proxy-reader');
  return {
    id: 'proxy-reader',
    title: `read-only endpoint ${name}`,
    needs: [proxy, ...needs.subnets, needs.group],
    patienceMs: 30 * 60_000,
    async find() {
      const answer = await unlessGone(
        aws.read.rds.send(new DescribeDBProxyEndpointsCommand({ DBProxyEndpointName: name })),
      );
      const endpoint = answer?.DBProxyEndpoints?.[0];
      if (endpoint === undefined) return absent;
      if (endpoint.DBProxyName !== nameOf(stage, 'proxy')) return { state: 'foreign', why: notOurs(name) };
      const why = String(endpoint.Status);
      if (why === 'deleting') return { state: 'pending', why };
      const have = { host: endpoint.Endpoint ?? '' };
      return why === 'available' ? { state: 'ready', have } : { state: 'pending', have, why };
    },
    async create(haves) {
      await aws.write.rds.send(
        new CreateDBProxyEndpointCommand({
          DBProxyName: nameOf(stage, 'proxy'),
          DBProxyEndpointName: name,
          TargetRole: 'READ_ONLY',
          VpcSubnetIds: needs.subnets.map((subnet) => haves.get(subnet).subnetId),
          VpcSecurityGroupIds: [haves.get(needs.group).groupId],
          Tags: tagsOf(stage, 'proxy-reader'),
        }),
      );
    },
    async remove() {
      await aws.write.rds.send(new DeleteDBProxyEndpointCommand({ DBProxyEndpointName: name }));
    },
  };
}
