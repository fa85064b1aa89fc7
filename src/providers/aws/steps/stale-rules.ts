import {
  type IpPermission,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { unlessGone } from '../judge.ts';
import { type Direction, everyGroupOf, type Passage, ruleKey, wantedRules } from './security-groups.ts';
import { absent } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

interface StaleRule {
  readonly groupId: string;
  readonly direction: Direction;
  readonly permission: IpPermission;
}

/** Rules that lambdapg made for former answers, such as those of a proxy that is no longer wanted. */
export function staleRulesStep(
  { aws, stage }: World,
  groups: readonly AwsStep<unknown>[],
  passages: readonly Passage[],
): AwsStep<readonly StaleRule[]> {
  return {
    id: 'stale-rules',
    title: `rules of former answers in the security groups of ${stage.prefix}`,
    needs: groups,
    async find(look) {
      const found = await everyGroupOf(look);
      const ids = new Map([...found].map(([name, { GroupId = '' }]) => [name, GroupId]));
      const wanted = new Set(wantedRules(passages, ids).map(({ group, key }) => `${ids.get(group)} ${key}`));
      const have = [...found.values()]
        .flatMap(ownRulesOf)
        .filter(({ groupId, key }) => !wanted.has(`${groupId} ${key}`));
      return have.length === 0 ? absent : { state: 'ready', have };
    },
    create: async () => {},
    async remove(rules) {
      for (const { groupId, direction, permission } of rules) {
        const input = { GroupId: groupId, IpPermissions: [permission] };
        await unlessGone(
          direction === 'in'
            ? aws.write.ec2.send(new RevokeSecurityGroupIngressCommand(input))
            : aws.write.ec2.send(new RevokeSecurityGroupEgressCommand(input)),
        );
      }
    },
  };
}

/** One by one, each with the key by which wanted rules are known. */
function ownRulesOf({ GroupId: groupId = '', IpPermissions = [], IpPermissionsEgress = [] }: SecurityGroup) {
  const of = (direction: Direction, permissions: readonly IpPermission[]) =>
    permissions.flatMap(({ IpProtocol, FromPort = 0, ToPort, UserIdGroupPairs = [], IpRanges = [] }) => {
      const rule = (peer: string, place: Partial<IpPermission>) => ({
        ...{ groupId, direction, key: ruleKey(direction, FromPort, peer) },
        permission: { IpProtocol, FromPort, ToPort, ...place },
      });
      return [
        ...UserIdGroupPairs.filter(isOwn).map(({ GroupId, Description }) =>
          rule(GroupId ?? '', { UserIdGroupPairs: [{ GroupId, Description }] }),
        ),
        ...IpRanges.filter(isOwn).map((range) => rule(range.CidrIp ?? '', { IpRanges: [range] })),
      ];
    });
  return [...of('in', IpPermissions), ...of('out', IpPermissionsEgress)];
}

/** Not those of `attach`, which say `lambdapg:attach:…`, nor those of people. */
const isOwn = ({ Description }: { readonly Description?: string | undefined }): boolean =>
  Description?.startsWith('lambdapg: ') === true;
