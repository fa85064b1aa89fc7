import type { Wiring } from '../../../provision/wiring.ts';
import { functionStatements, secretStatements } from './attach-statements.ts';
import type { AttachTarget } from './attach-target.ts';
import type { AttachStep, AttachWorld } from './attach-world.ts';
import { configurationStep } from './configuration-step.ts';
import type { AttachableFunction } from './find-functions.ts';
import { groupRulesStep } from './group-rules-step.ts';
import { loginSecretStep } from './login-secret-step.ts';
import { ownGroupStep } from './own-group-step.ts';
import { proxyAuthStep } from './proxy-auth-step.ts';
import { recordStep } from './record-step.ts';
import { rolePolicyStep } from './role-policy-step.ts';

/**
 * What attaching one function takes, in an order that leaves it working at every point: its record first, its own configuration
 * last.
 *
 * @param earlier steps of other functions: a proxy is changed for one after the other
 */
export function attachSteps(
  world: AttachWorld,
  fn: AttachableFunction,
  target: AttachTarget,
  wiring: Wiring,
  earlier: readonly AttachStep<unknown>[] = [],
): AttachStep<unknown>[] {
  const { name, roleName, facts } = fn;
  const record = recordStep(world, fn, {
    target: target.facts.id,
    wasOutside: facts.placement === undefined,
    variables: Object.keys(wiring.variables.set).filter((key) => facts.variables[key] === undefined),
  });
  const secret =
    target.newLogin === undefined ? undefined : loginSecretStep(world, name, [record], target.newLogin);
  const policy = rolePolicyStep(
    world,
    { id: 'policy', functionName: name, roleName, needs: [record, ...(secret ? [secret] : [])] },
    (look) => functionStatements(world, look, name, target, wiring),
  );
  const proxy =
    target.proxy === undefined
      ? []
      : proxySteps(world, name, target.proxy, [record, ...earlier.filter(isProxyAuth)]);
  // Whoever takes the group away waits until Lambda has given its interfaces back, for which the role needs its policy.
  const group =
    wiring.ownGroup === undefined ? undefined : ownGroupStep(world, name, [policy], wiring.ownGroup.vpcId);
  const rules = group === undefined ? undefined : groupRulesStep(world, name, group, wiring);
  const below = [record, secret, policy, ...proxy, group, rules].filter((step) => step !== undefined);
  const configuration = configurationStep(
    world,
    name,
    { all: below, ...(group && { group }), ...(secret && { secret }) },
    wiring,
  );
  return [...below, configuration];
}

const isProxyAuth = ({ id }: AttachStep<unknown>): boolean => id.startsWith('proxy-auth:');

function proxySteps(
  world: AttachWorld,
  functionName: string,
  { name, roleName, secretArn }: NonNullable<AttachTarget['proxy']>,
  needs: readonly AttachStep<unknown>[],
): AttachStep<unknown>[] {
  const role = rolePolicyStep(world, { id: 'proxy-policy', functionName, roleName, needs }, async () =>
    secretStatements(world.aws.region, secretArn),
  );
  return [role, proxyAuthStep(world, functionName, name, [...needs, role], secretArn)];
}

/** The same, to be taken away: what is not there is passed over. @param proxy the one that it was attached to */
export function detachSteps(
  world: AttachWorld,
  fn: AttachableFunction,
  proxy?: { readonly name: string; readonly roleName: string },
  earlier: readonly AttachStep<unknown>[] = [],
): AttachStep<unknown>[] {
  const { name, roleName } = fn;
  const record = recordStep(world, fn);
  const secret = loginSecretStep(world, name, [record]);
  const policy = rolePolicyStep(world, {
    id: 'policy',
    functionName: name,
    roleName,
    needs: [record, secret],
  });
  const proxyPolicy =
    proxy === undefined
      ? undefined
      : rolePolicyStep(world, {
          id: 'proxy-policy',
          functionName: name,
          roleName: proxy.roleName,
          needs: [record],
        });
  const proxyAuth =
    proxy === undefined || proxyPolicy === undefined
      ? undefined
      : proxyAuthStep(world, name, proxy.name, [record, proxyPolicy, ...earlier.filter(isProxyAuth)]);
  const group = ownGroupStep(world, name, [policy]);
  const rules = groupRulesStep(world, name, group);
  const below = [record, secret, policy, proxyPolicy, proxyAuth, group, rules].filter(
    (step) => step !== undefined,
  );
  return [...below, configurationStep(world, name, { all: below })];
}

/** What can still be told of a function that is gone; its role is not known any more. */
export function leftoverSteps(world: AttachWorld, functionName: string): AttachStep<unknown>[] {
  const group = ownGroupStep(world, functionName, []);
  return [group, groupRulesStep(world, functionName, group), loginSecretStep(world, functionName, [])];
}
