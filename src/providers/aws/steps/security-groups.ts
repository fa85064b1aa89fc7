import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  type IpPermission,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import type { Haves } from '../../../provision/step.ts';
import { unlessGone } from '../judge.ts';
import type { Look } from '../look.ts';
import { nameOf } from '../stage.ts';
import type { VpcHave } from './network-haves.ts';
import { absent, difference, ofResource, tagSpecs } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

export interface GroupHave {
  readonly groupId: string;
}

/** Who may talk to whom: `from` opens a connection to `to`. `internet`: any address. */
export interface Passage {
  readonly from: string;
  readonly to: string;
  readonly port: number;
}

/** The groups and the one rule per pair at each end; nothing else is open. */
export interface GroupSteps {
  readonly groups: Readonly<Record<string, AwsStep<GroupHave>>>;
  readonly rules: AwsStep<readonly SecurityGroup[]>;
  readonly all: readonly AwsStep<unknown>[];
}

/** The passages of a stage: the chain function -> proxy -> database, and what the answers need besides. */
export function passagesOf({ stage, removal }: World, needsEndpoint: boolean): Passage[] {
  if (removal !== undefined) return everyPassage;
  const { proxy, network } = stage.cloud;
  const front = proxy === false ? 'database' : 'proxy';
  return [
    { from: 'function', to: front, port: 5432 },
    ...(proxy === false ? [] : [{ from: 'proxy', to: 'database', port: 5432 }]),
    ...(stage.runner ? [{ from: 'runner', to: 'database', port: 5432 }] : []),
    ...(stage.runner && proxy !== false ? [{ from: 'runner', to: 'proxy', port: 5432 }] : []),
    ...(needsEndpoint ? [{ from: 'function', to: 'endpoint', port: 443 }] : []),
    // Whoever pays for a NAT gateway, or brings subnets with a way out, wants to reach the internet.
    ...(network.kind === 'isolated' || needsEndpoint
      ? []
      : [{ from: 'function', to: 'internet', port: 443 }]),
  ];
}

const everyName = ['function', 'proxy', 'runner', 'endpoint', 'database'];

/** What former answers may have made goes as well. */
const everyPassage: Passage[] = everyName.slice(0, -1).map((from) => ({
  ...{ from, to: 'database', port: 5432 },
}));

export function securityGroups(
  world: World,
  vpc: AwsStep<VpcHave>,
  passages: readonly Passage[],
): GroupSteps {
  const names = [...new Set(passages.flatMap(({ from, to }) => [from, to]))].filter(
    (name) => name !== 'internet',
  );
  const groups = Object.fromEntries(names.map((name) => [name, groupStep(world, vpc, name)]));
  const rules = rulesStep(world, groups, passages);
  return { groups, rules, all: [...Object.values(groups), rules] };
}

const resourceOf = (name: string): string => `${name}-group`;

function groupStep({ aws, stage }: World, vpc: AwsStep<VpcHave>, name: string): AwsStep<GroupHave> {
  return {
    id: `group-${name}`,
    title: `security group ${nameOf(stage, name)}`,
    needs: [vpc],
    async find(look) {
      const group = ofResource(await look.securityGroups(), resourceOf(name), ({ GroupId }) => GroupId);
      return group?.GroupId === undefined ? absent : { state: 'ready', have: { groupId: group.GroupId } };
    },
    async create(haves) {
      await aws.write.ec2.send(
        new CreateSecurityGroupCommand({
          GroupName: nameOf(stage, name),
          Description: `lambdapg: ${name} of ${stage.prefix}`,
          VpcId: haves.get(vpc).vpcId,
          TagSpecifications: tagSpecs(stage, 'security-group', resourceOf(name)),
        }),
      );
    },
    async remove({ groupId }) {
      await aws.write.ec2.send(new DeleteSecurityGroupCommand({ GroupId: groupId }));
    },
    // Lambda gives its network interfaces back 20 to 60 minutes after the last function that used them is gone.
    patienceMs: 75 * 60_000,
  };
}

export type Direction = 'in' | 'out';

interface Rule {
  readonly group: string;
  readonly direction: Direction;
  readonly permission: IpPermission;
  /** For comparing: `out tcp 5432 sg-1`. */
  readonly key: string;
}

export const ruleKey = (direction: Direction, port: number, peer: string): string =>
  `${direction} tcp ${port} ${peer}`;

/**
 * All rules as one resource: each names two groups, so none can be made with its group. A new group lets everything out;
 * that rule is revoked. Rules that others added (`attach` does) are left alone until the end.
 */
function rulesStep(
  { aws, stage }: World,
  groups: Readonly<Record<string, AwsStep<GroupHave>>>,
  passages: readonly Passage[],
): AwsStep<readonly SecurityGroup[]> {
  const { ec2 } = aws.write;
  const authorize = async ({ group, direction, permission }: Rule, ids: ReadonlyMap<string, string>) => {
    const input = { GroupId: ids.get(group), IpPermissions: [permission] };
    const asked =
      direction === 'in'
        ? ec2.send(new AuthorizeSecurityGroupIngressCommand(input))
        : ec2.send(new AuthorizeSecurityGroupEgressCommand(input));
    await unlessThere(asked);
  };
  const closeExit = (GroupId: string | undefined) =>
    unlessGone(ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: [everything] })));
  const idsFrom = (haves: Haves): Map<string, string> =>
    new Map(Object.entries(groups).map(([name, step]) => [name, haves.get(step).groupId]));
  return {
    id: 'group-rules',
    title: `rules of the security groups of ${stage.prefix}`,
    needs: Object.values(groups),
    async find(look) {
      const found = await groupsOf(look, Object.keys(groups));
      const have = [...found.values()];
      if (have.every(hasNoRules)) return absent;
      const ids = new Map([...found].map(([name, { GroupId = '' }]) => [name, GroupId]));
      const missing = wantedRules(passages, ids).filter(
        ({ group, key }) => !keysOf(found.get(group)).has(key),
      );
      const open = [...found].filter(([, group]) => letsEverythingOut(group)).map(([name]) => name);
      const differences = [
        ...missing.map(({ group, key }) => difference(`${group} ${key}`, 'missing', 'present', true)),
        ...open.map((group) => difference(`${group} out all`, 'present', 'missing', true)),
      ];
      return differences.length === 0 ? { state: 'ready', have } : { state: 'drifted', have, differences };
    },
    async create(haves) {
      const ids = idsFrom(haves);
      for (const rule of wantedRules(passages, ids)) await authorize(rule, ids);
      for (const id of ids.values()) await closeExit(id);
    },
    async update(_have, haves, differences) {
      const ids = idsFrom(haves);
      const differs = (property: string): boolean => differences.some((one) => one.property === property);
      for (const rule of wantedRules(passages, ids)) {
        if (differs(`${rule.group} ${rule.key}`)) await authorize(rule, ids);
      }
      for (const [group, id] of ids) if (differs(`${group} out all`)) await closeExit(id);
    },
    // Groups that name each other cannot go while the rules stand.
    async remove(all) {
      for (const { GroupId, IpPermissions = [], IpPermissionsEgress = [] } of all) {
        if (IpPermissions.length > 0) {
          await unlessGone(ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions })));
        }
        if (IpPermissionsEgress.length > 0) {
          await unlessGone(
            ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: IpPermissionsEgress })),
          );
        }
      }
    },
  };
}

/** All groups of the stage by name, wanted or not. */
export const everyGroupOf = (look: Look): Promise<Map<string, SecurityGroup>> => groupsOf(look, everyName);

async function groupsOf(look: Look, names: readonly string[]): Promise<Map<string, SecurityGroup>> {
  const all = await look.securityGroups();
  return new Map(
    names.flatMap((name) => {
      const group = ofResource(all, resourceOf(name), ({ GroupId }) => GroupId);
      return group === undefined ? [] : [[name, group] as const];
    }),
  );
}

const hasNoRules = ({ IpPermissions = [], IpPermissionsEgress = [] }: SecurityGroup): boolean =>
  IpPermissions.length + IpPermissionsEgress.length === 0;

const everything: IpPermission = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };

async function unlessThere(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if ((error as Error).name !== 'InvalidPermission.Duplicate') throw error;
  }
}

/** Both ends of each passage between groups that exist. */
export function wantedRules(passages: readonly Passage[], ids: ReadonlyMap<string, string>): Rule[] {
  return passages.flatMap(({ from, to, port }) => {
    const rule = (group: string, direction: Direction, peer: string): Rule => ({
      group,
      direction,
      permission: {
        IpProtocol: 'tcp',
        FromPort: port,
        ToPort: port,
        ...peerOf(peer, `lambdapg: ${from} to ${to}`),
      },
      key: ruleKey(direction, port, peer),
    });
    if (to === 'internet') return [rule(from, 'out', '0.0.0.0/0')];
    return [rule(from, 'out', ids.get(to) ?? ''), rule(to, 'in', ids.get(from) ?? '')];
  });
}

const peerOf = (peer: string, Description: string): Partial<IpPermission> =>
  peer.includes('/')
    ? { IpRanges: [{ CidrIp: peer, Description }] }
    : { UserIdGroupPairs: [{ GroupId: peer, Description }] };

function keysOf(group: SecurityGroup | undefined): Set<string> {
  const keys = (direction: Direction, permissions: readonly IpPermission[] = []): string[] =>
    permissions
      .filter(({ IpProtocol }) => IpProtocol === 'tcp')
      .flatMap(({ FromPort = 0, UserIdGroupPairs = [], IpRanges = [] }) =>
        [...UserIdGroupPairs.map(({ GroupId }) => GroupId), ...IpRanges.map(({ CidrIp }) => CidrIp)].map(
          (peer) => ruleKey(direction, FromPort, peer ?? ''),
        ),
      );
  return new Set([...keys('in', group?.IpPermissions), ...keys('out', group?.IpPermissionsEgress)]);
}

const letsEverythingOut = ({ IpPermissionsEgress = [] }: SecurityGroup): boolean =>
  IpPermissionsEgress.some(
    ({ IpProtocol, IpRanges }) =>
      IpProtocol === '-1' && IpRanges?.some(({ CidrIp }) => CidrIp === '0.0.0.0/0'),
  );
