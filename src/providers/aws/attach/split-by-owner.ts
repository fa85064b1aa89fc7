import type { Wiring } from '../../../provision/wiring.ts';
import type { NetworkFacts } from '../../../provision/wiring-facts.ts';
import { own, type WiringRule } from '../../../provision/wiring-network.ts';
import { descriptionOf, ownGroupName } from './attach-names.ts';
import { functionPatch, type Patch, proxyPatch, rulePatch } from './attach-patch.ts';
import { functionStatements } from './attach-statements.ts';
import type { AttachTarget } from './attach-target.ts';
import type { AttachLook, AttachWorld } from './attach-world.ts';
import type { AttachableFunction } from './find-functions.ts';
import { findOwnGroup } from './own-group-step.ts';

export interface Split {
  /** The function itself belongs to an engine: nothing is done, all is said. */
  readonly isLeftAlone: boolean;
  /** Without what others have to change. */
  readonly wiring: Wiring;
  readonly target: AttachTarget;
  readonly patches: readonly Patch[];
}

/** Parts what lambdapg may change from what an engine owns, which becomes patches for its files. */
export async function splitByOwner(
  world: AttachWorld,
  look: AttachLook,
  fn: AttachableFunction,
  target: AttachTarget,
  wiring: Wiring,
  { groups }: NetworkFacts,
): Promise<Split> {
  const { owner } = fn.facts;
  const ownId = (await findOwnGroup(look, fn.name, wiring.ownGroup?.vpcId))?.GroupId;
  const named = ownId ?? `<id of security group ${ownGroupName(fn.name)}>`;
  const described = (rule: WiringRule) => ({
    ...rule,
    group: rule.group === own ? named : rule.group,
    peer: rule.peer === own ? named : rule.peer,
  });
  const patchOf = (rule: WiringRule): Patch[] => {
    const group = groups.find(({ id }) => id === rule.group);
    if (group?.owner === undefined && owner === undefined) return [];
    const isThere = group?.rules.some(
      ({ direction, from, peers }) =>
        direction === rule.direction && from === rule.port && peers.includes(described(rule).peer),
    );
    const by = group?.owner ?? owner;
    return isThere || by === undefined ? [] : [rulePatch(by, described(rule), descriptionOf(fn.name))];
  };
  const isOwned = ({ group }: WiringRule): boolean =>
    groups.find(({ id }) => id === group)?.owner !== undefined;
  const { proxy, ...bare } = target;
  const proxyPatches =
    proxy?.owner === undefined ? [] : [proxyPatch(proxy.name, proxy.owner, proxy.secretArn)];
  const patches = [...wiring.rules.flatMap(patchOf), ...proxyPatches];
  if (owner !== undefined) {
    const patch = functionPatch(fn.name, owner, {
      variables: variablesOf(wiring),
      statements: (await functionStatements(world, look, fn.name, target, wiring)) ?? [],
      ...placeOf(wiring, named),
    });
    return { isLeftAlone: true, wiring, target, patches: [patch, ...patches] };
  }
  return {
    isLeftAlone: false,
    wiring: { ...wiring, rules: wiring.rules.filter((rule) => !isOwned(rule)) },
    target: proxy?.owner === undefined ? target : bare,
    patches,
  };
}

const variablesOf = ({ variables }: Wiring): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables.set).map(([name, value]) => [
      name,
      value ?? '<ARN of a secret with username and password>',
    ]),
  );

function placeOf({ placement, network, ownGroup }: Wiring, groupId: string) {
  if (placement === undefined || network === 'outside') return {};
  const { subnetIds, groupIds } = placement;
  return { subnetIds, groupIds: [...groupIds, ...(ownGroup === undefined ? [] : [groupId])] };
}
