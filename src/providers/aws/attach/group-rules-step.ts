import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  type IpPermission,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import type { Wiring } from '../../../provision/wiring.ts';
import { own, type WiringRule } from '../../../provision/wiring-network.ts';
import { unlessGone } from '../judge.ts';
import { absent, difference } from '../steps/tagged.ts';
import { descriptionOf } from './attach-names.ts';
import type { AttachLook, AttachStep, AttachWorld } from './attach-world.ts';
import { findOwnGroup, type OwnGroupHave } from './own-group-step.ts';

interface GroupPermission {
  readonly groupId: string;
  readonly direction: 'in' | 'out';
  readonly permission: IpPermission;
}

/** The rules of one attachment, each told by its description, in whatever group it is. */
export function groupRulesStep(
  { aws }: AttachWorld,
  functionName: string,
  group: AttachStep<OwnGroupHave>,
  wiring?: Pick<Wiring, 'rules' | 'ownGroup'>,
): AttachStep<readonly GroupPermission[]> {
  const { ec2 } = aws.write;
  const { rules = [], ownGroup } = wiring ?? {};
  const description = descriptionOf(functionName);
  const closes = ownGroup !== undefined && !ownGroup.opensAll;
  const settle = async (groupId: string, missing: readonly WiringRule[]): Promise<void> => {
    for (const rule of missing) await authorize(ec2, permissionOf(rule, groupId, description));
    // A new group lets everything out.
    if (closes) {
      await unlessGone(
        ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: groupId, IpPermissions: [everything] })),
      );
    }
  };
  return {
    id: `rules:${functionName}`,
    title: `rules of security groups, marked ${description}`,
    needs: [group],
    async find(look) {
      const have = await findMarked(look, description);
      if (wiring === undefined) return have.length === 0 ? absent : { state: 'ready', have };
      const mine = await findOwnGroup(look, functionName, ownGroup?.vpcId);
      const missing = rules.filter((rule) => !isThere(have, rule, mine?.GroupId));
      const open = closes && mine !== undefined && letsEverythingOut(mine);
      if (missing.length === 0 && !open) return { state: 'ready', have };
      const differences = [
        ...missing.map((rule) => difference(titleOf(rule, functionName), 'missing', 'present', true)),
        ...(open ? [difference('all that goes out', 'open', 'closed', true)] : []),
      ];
      return { state: 'drifted', have, differences };
    },
    async create() {},
    async update(have, haves) {
      const { groupId } = haves.get(group);
      await settle(
        groupId,
        rules.filter((rule) => !isThere(have, rule, groupId)),
      );
    },
    async remove(have) {
      for (const { groupId: GroupId, direction, permission } of have) {
        const input = { GroupId, IpPermissions: [permission] };
        await unlessGone(
          direction === 'in'
            ? ec2.send(new RevokeSecurityGroupIngressCommand(input))
            : ec2.send(new RevokeSecurityGroupEgressCommand(input)),
        );
      }
    },
  };
}

const titleOf = ({ group, direction, port, peer }: WiringRule, functionName: string): string => {
  const named = (id: string): string => (id === own ? `the group of ${functionName}` : id);
  return `${named(group)} ${direction} tcp ${port} ${named(peer)}`;
};

const everything: IpPermission = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };

const letsEverythingOut = ({ IpPermissionsEgress = [] }: SecurityGroup): boolean =>
  IpPermissionsEgress.some(
    ({ IpProtocol, IpRanges }) =>
      IpProtocol === '-1' && IpRanges?.some(({ CidrIp }) => CidrIp === '0.0.0.0/0'),
  );

function permissionOf(
  { group, direction, port, peer }: WiringRule,
  ownId: string,
  Description: string,
): GroupPermission {
  const id = (name: string): string => (name === own ? ownId : name);
  const whom = peer.includes('/')
    ? { IpRanges: [{ CidrIp: peer, Description }] }
    : { UserIdGroupPairs: [{ GroupId: id(peer), Description }] };
  return {
    groupId: id(group),
    direction,
    permission: { IpProtocol: 'tcp', FromPort: port, ToPort: port, ...whom },
  };
}

async function authorize(
  ec2: AttachWorld['aws']['write']['ec2'],
  { groupId: GroupId, direction, permission }: GroupPermission,
): Promise<void> {
  const input = { GroupId, IpPermissions: [permission] };
  try {
    await (direction === 'in'
      ? ec2.send(new AuthorizeSecurityGroupIngressCommand(input))
      : ec2.send(new AuthorizeSecurityGroupEgressCommand(input)));
  } catch (error) {
    if ((error as Error).name !== 'InvalidPermission.Duplicate') throw error;
  }
}

/** Every rule of the region with this description, one peer each. */
async function findMarked(look: AttachLook, description: string): Promise<GroupPermission[]> {
  return (await look.groups()).flatMap(({ GroupId = '', IpPermissions, IpPermissionsEgress }) => [
    ...markedOf(GroupId, 'in', IpPermissions, description),
    ...markedOf(GroupId, 'out', IpPermissionsEgress, description),
  ]);
}

function markedOf(
  groupId: string,
  direction: 'in' | 'out',
  permissions: readonly IpPermission[] = [],
  description: string,
): GroupPermission[] {
  return permissions.flatMap(({ IpProtocol, FromPort, ToPort, UserIdGroupPairs = [], IpRanges = [] }) => {
    const rule = { IpProtocol, FromPort, ToPort };
    const marked = ({ Description }: { readonly Description?: string | undefined }) =>
      Description === description;
    return [
      ...UserIdGroupPairs.filter(marked).map(({ GroupId }) => ({
        UserIdGroupPairs: [{ GroupId, Description: description }],
      })),
      ...IpRanges.filter(marked).map((range) => ({ IpRanges: [range] })),
    ].map((peer) => ({ groupId, direction, permission: { ...rule, ...peer } }));
  });
}

function isThere(have: readonly GroupPermission[], rule: WiringRule, ownId: string | undefined): boolean {
  const wanted = permissionOf(rule, ownId ?? 'none yet', '');
  const peerOf = ({ UserIdGroupPairs, IpRanges }: IpPermission) =>
    UserIdGroupPairs?.[0]?.GroupId ?? IpRanges?.[0]?.CidrIp;
  return have.some(
    ({ groupId, direction, permission }) =>
      groupId === wanted.groupId &&
      direction === wanted.direction &&
      permission.FromPort === rule.port &&
      peerOf(permission) === peerOf(wanted.permission),
  );
}
