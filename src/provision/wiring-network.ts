import type { NetworkFacts, Placement, SubnetFacts, TargetFacts } from './wiring-facts.ts';

/** Stands for the group that attach makes for the function. */
export const own = 'own';
export const internet = '0.0.0.0/0';

/** A rule that is to be added. `group` and `peer`: an id, `own`, or (as a peer) an address range. */
export interface WiringRule {
  readonly group: string;
  readonly direction: 'in' | 'out';
  readonly port: number;
  readonly peer: string;
}

/** A function's place with what is known of its subnets. */
export interface Side {
  readonly placement: Placement;
  readonly subnets: readonly SubnetFacts[];
}

/** The rules that lead from a function to its target; none where its groups lead there already. */
export function connect(
  side: Side,
  target: TargetFacts,
  targetGroup: string,
  network: NetworkFacts,
): WiringRule[] {
  const { port, placement: place } = target;
  if (place === undefined) return [];
  if (canReach(side, port, place.groupIds, network)) return [];
  if (place.vpcId === side.placement.vpcId) {
    return [
      { group: own, direction: 'out', port, peer: targetGroup },
      { group: targetGroup, direction: 'in', port, peer: own },
    ];
  }
  // A group of another VPC can be named over some peerings and not over others: address ranges always work.
  const ranges = network.subnets.filter(({ id }) => place.subnetIds.includes(id)).map(({ cidr }) => cidr);
  return [
    ...[...new Set(ranges)].map((peer) => ({ group: own, direction: 'out', port, peer }) as const),
    ...side.subnets.map(({ cidr: peer }) => ({ group: targetGroup, direction: 'in', port, peer }) as const),
  ];
}

/** Whether the groups that a function has let it through to `to` (groups, or the internet alone). */
export function canReach(
  { placement }: Side,
  port: number,
  to: readonly string[],
  { groups }: NetworkFacts,
): boolean {
  const passes = (ids: readonly string[], direction: 'in' | 'out', peers: readonly string[]): boolean =>
    groups.some(
      ({ id, rules }) =>
        ids.includes(id) &&
        rules.some(
          (rule) =>
            rule.direction === direction &&
            rule.from <= port &&
            port <= rule.to &&
            rule.peers.some((peer) => peer === internet || peers.includes(peer)),
        ),
    );
  if (!passes(placement.groupIds, 'out', to)) return false;
  return to.includes(internet) || passes(to, 'in', placement.groupIds);
}
