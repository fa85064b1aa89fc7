import type {
  FunctionFacts,
  NetworkFacts,
  Placement,
  SubnetFacts,
  TargetFacts,
  WiringFault,
  WiringOptions,
} from './wiring-facts.ts';
import { canReach, connect, internet, own, type Side, type WiringRule } from './wiring-network.ts';
import { chooseVariables, type VariableChoice } from './wiring-variables.ts';

/** The shortest safe way from a function to a database: what has to be added, and nothing else. */
export interface Wiring {
  /** `outside`: it needs no VPC. `stays`: in its VPC. `enters`: the target's VPC. */
  readonly network: 'outside' | 'stays' | 'enters';
  /** Where the function is to be; absent for `outside`. Without the group of its own. */
  readonly placement?: Placement;
  /** A security group for this function alone; absent where the groups that are there open the way already. */
  readonly ownGroup?: { readonly vpcId: string; readonly opensAll: boolean };
  readonly rules: readonly WiringRule[];
  readonly variables: VariableChoice;
  /** It could reach the internet and will not any more. */
  readonly losesInternet: boolean;
  readonly warnings: readonly string[];
  readonly faults: readonly WiringFault[];
}

/** AWS's default; Lambda takes no more than 5 in any account. docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html */
const groupsPerFunction = 5;
const secretsPort = 443;

/** Chooses the wiring. Pure. */
export function planWiring(
  fn: FunctionFacts,
  target: TargetFacts,
  network: NetworkFacts,
  options: WiringOptions,
): Wiring {
  const way = chooseWay(fn, target, network);
  const variables = chooseVariables(fn, target, options);
  const faults = [...way.faults, ...variables.faults];
  const { network: kind, placement, rules } = way;
  const needsGroup = rules.length > 0 || (kind === 'enters' && placement?.groupIds.length === 0);
  if (kind === 'stays' && needsGroup && (placement?.groupIds.length ?? 0) >= groupsPerFunction) {
    faults.push({
      code: 'TOO_MANY_GROUPS',
      message: `${fn.name} has ${groupsPerFunction} security groups, the most that Lambda takes, and none of them reaches ${target.id}`,
      suggestions: ['take one group off the function, or let one of them reach the database yourself'],
    });
  }
  return {
    ...{ network: kind, rules, variables, losesInternet: way.losesInternet },
    ...(placement !== undefined && { placement }),
    ...(needsGroup &&
      placement !== undefined && { ownGroup: { vpcId: placement.vpcId, opensAll: way.opensAll } }),
    warnings: [...way.warnings, ...variables.warnings],
    faults,
  };
}

interface Way {
  readonly network: Wiring['network'];
  readonly placement?: Placement;
  readonly rules: readonly WiringRule[];
  readonly opensAll: boolean;
  readonly losesInternet: boolean;
  readonly warnings: readonly string[];
  readonly faults: readonly WiringFault[];
}

const nothing = { rules: [], opensAll: false, losesInternet: false, warnings: [], faults: [] };

function chooseWay(fn: FunctionFacts, target: TargetFacts, network: NetworkFacts): Way {
  if (fn.placement !== undefined) return stay(fn.name, fn.placement, target, network);
  if (target.placement === undefined || isOpenToAll(target, network))
    return { ...nothing, network: 'outside' };
  return enter(fn, target, target.placement, network);
}

/** A public database whose groups let every address in. */
function isOpenToAll({ isPublic, placement, port }: TargetFacts, { groups }: NetworkFacts): boolean {
  if (!isPublic || placement === undefined) return false;
  return groups.some(
    ({ id, rules }) =>
      placement.groupIds.includes(id) &&
      rules.some(
        ({ direction, from, to, peers }) =>
          direction === 'in' && from <= port && port <= to && peers.includes(internet),
      ),
  );
}

function enter(fn: FunctionFacts, target: TargetFacts, place: Placement, network: NetworkFacts): Way {
  const subnets = chooseSubnets(place, network, fn.enteredSubnetIds);
  const placement = { vpcId: place.vpcId, subnetIds: subnets.map(({ id }) => id), groupIds: [] };
  const faults: WiringFault[] = [];
  if (network.dedicatedVpcs.has(place.vpcId)) {
    faults.push({
      code: 'DEDICATED_VPC',
      message: `${place.vpcId}, the VPC of ${target.id}, has dedicated tenancy, where Lambda cannot go`,
      suggestions: ['a VPC of default tenancy that is peered with it'],
    });
  }
  if (subnets.length === 0) {
    faults.push({
      code: 'NO_SUBNET',
      message: `no subnet of ${place.vpcId}, the VPC of ${target.id}, has addresses left for ${fn.name}`,
      suggestions: ['a new subnet in that VPC'],
    });
  }
  const hasExit = subnets.length > 0 && subnets.every(({ exit }) => exit === 'nat');
  const isThere = fn.enteredSubnetIds !== undefined && fn.enteredSubnetIds.length > 0;
  const side: Side = { placement, subnets };
  const rules = connect(side, target, place.groupIds[0] ?? '', network);
  // Behind NAT a function keeps what it had outside of a VPC: everything may go out.
  const secrets = hasExit ? { rules: [], faults: [] } : reachSecrets(fn.name, side, target, network);
  return {
    network: 'enters',
    placement,
    rules: [...(hasExit ? rules.filter(({ group }) => group !== own) : rules), ...secrets.rules],
    opensAll: hasExit,
    losesInternet: !hasExit && !isThere,
    warnings:
      hasExit || isThere
        ? []
        : [
            `${fn.name} will lose the internet, and with it every AWS service without an endpoint in ${place.vpcId}: its new subnets have no NAT gateway`,
          ],
    faults: [...faults, ...secrets.faults],
  };
}

/** One subnet a zone, three at the most; those behind NAT before the target's own, and public ones last. */
function chooseSubnets(
  place: Placement,
  { subnets }: NetworkFacts,
  entered: readonly string[] = [],
): SubnetFacts[] {
  const kept = subnets.filter(({ id, vpcId }) => vpcId === place.vpcId && entered.includes(id));
  if (kept.length > 0) return kept;
  const there = subnets.filter(({ vpcId, freeAddresses }) => vpcId === place.vpcId && freeAddresses > 0);
  const ranks: readonly ((subnet: SubnetFacts) => boolean)[] = [
    ({ exit }) => exit === 'nat',
    ({ id, exit }) => exit === 'none' && place.subnetIds.includes(id),
    ({ exit }) => exit === 'none',
    () => true,
  ];
  const fit = ranks.map((rank) => there.filter(rank)).find((some) => some.length > 0) ?? [];
  const byZone = new Map<string, SubnetFacts>();
  for (const subnet of [...fit].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    if (!byZone.has(subnet.zone)) byZone.set(subnet.zone, subnet);
  }
  return [...byZone.values()].slice(0, 3);
}

function stay(name: string, placement: Placement, target: TargetFacts, network: NetworkFacts): Way {
  const subnets = network.subnets.filter(({ id }) => placement.subnetIds.includes(id));
  const side: Side = { placement, subnets };
  const secrets = reachSecrets(name, side, target, network);
  const way = { ...nothing, network: 'stays', placement } as const;
  const place = target.placement;
  if (place === undefined) {
    const exits = subnets.every(({ exit }) => exit === 'nat');
    if (!exits) return { ...way, faults: [noInternet(name, placement, target), ...secrets.faults] };
    const open = canReach(side, target.port, [internet], network);
    const rules = open ? [] : [outTo(target.port)];
    return { ...way, rules: [...rules, ...secrets.rules], faults: secrets.faults };
  }
  const targetSubnets = network.subnets.filter(({ id }) => place.subnetIds.includes(id));
  if (place.vpcId !== placement.vpcId && !areJoined(subnets, targetSubnets)) {
    return { ...way, faults: [noPath(name, placement, target, place), ...secrets.faults] };
  }
  const rules = connect(side, target, place.groupIds[0] ?? '', network);
  return { ...way, rules: [...rules, ...secrets.rules], faults: secrets.faults };
}

const outTo = (port: number): WiringRule => ({ group: own, direction: 'out', port, peer: internet });

/** Whether each side's routes lead to the other's subnets. */
function areJoined(here: readonly SubnetFacts[], there: readonly SubnetFacts[]): boolean {
  const leads = (from: SubnetFacts, to: SubnetFacts) => from.joined.some((range) => holds(range, to.cidr));
  const pairs = here.flatMap((a) => there.map((b) => [a, b] as const));
  return pairs.length > 0 && pairs.every(([a, b]) => leads(a, b) && leads(b, a));
}

/** Whether an IPv4 range lies within another. */
export function holds(range: string, inner: string): boolean {
  const [[base, bits], [address, length]] = [parseRange(range), parseRange(inner)];
  const size = 2 ** (32 - bits);
  return bits <= length && Math.floor(base / size) === Math.floor(address / size);
}

function parseRange(cidr: string): readonly [number, number] {
  const [address = '', bits = '32'] = cidr.split('/');
  return [address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0), Number(bits)];
}

/** What a function in a VPC needs to read its secret: an endpoint, or a way to the internet. */
function reachSecrets(
  name: string,
  side: Side,
  { login }: TargetFacts,
  network: NetworkFacts,
): { rules: WiringRule[]; faults: WiringFault[] } {
  const { placement, subnets } = side;
  if (login.kind === 'iam') return { rules: [], faults: [] };
  const endpoint = network.secretsEndpoints.get(placement.vpcId);
  if (endpoint !== undefined) {
    if (canReach(side, secretsPort, endpoint.groupIds, network)) return { rules: [], faults: [] };
    const group = endpoint.groupIds[0] ?? '';
    return {
      rules: [
        { group: own, direction: 'out', port: secretsPort, peer: group },
        { group, direction: 'in', port: secretsPort, peer: own },
      ],
      faults: [],
    };
  }
  if (subnets.length > 0 && subnets.every(({ exit }) => exit === 'nat')) {
    const open = canReach(side, secretsPort, [internet], network);
    return { rules: open ? [] : [outTo(secretsPort)], faults: [] };
  }
  return { rules: [], faults: [noSecrets(name, placement)] };
}

const noSecrets = (name: string, { vpcId, subnetIds }: Placement): WiringFault => ({
  code: 'NO_WAY_TO_SECRETS',
  message: `${name} could not read its secret: ${vpcId} has neither an endpoint of Secrets Manager nor a NAT gateway`,
  suggestions: [
    `aws ec2 create-vpc-endpoint --vpc-id ${vpcId} --vpc-endpoint-type Interface --service-name com.amazonaws.<region>.secretsmanager --subnet-ids ${subnetIds.join(' ')} (billed by the hour and zone)`,
    'or --iam-user <login>: IAM authentication needs no secret',
  ],
});

const noInternet = (name: string, { vpcId }: Placement, target: TargetFacts): WiringFault => ({
  code: 'NO_INTERNET',
  message: `${name} cannot reach ${target.host}: its subnets in ${vpcId} have no NAT gateway`,
  suggestions: ['give its subnets a NAT gateway, or take the function out of the VPC'],
});

const noPath = (
  name: string,
  { vpcId }: Placement,
  target: TargetFacts,
  { vpcId: there }: Placement,
): WiringFault => ({
  code: 'NO_PATH',
  message: `${name} is in ${vpcId} and ${target.id} in ${there}: no peering or transit gateway leads from one to the other and back`,
  suggestions: [
    'peer the VPCs and add the routes both ways',
    `or move the function into ${there}: it may be there for another reason, so attach does not`,
  ],
});
