import type { Look } from '../look.ts';
import { functionNameOf } from '../stage.ts';
import type { World } from '../steps/world.ts';
import { getFunction } from './function-configuration.ts';

/** What AWS keeps for the functions without a reservation. docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html */
const alwaysUnreserved = 100;

const warned = new WeakSet<object>();

/**
 * How many environments a function is to have reserved. New accounts run ten at once in all and may reserve none: there the
 * account's own limit protects the database, and a deployment must not fail over it.
 *
 * @param reserved what the function has now
 */
export async function wantedConcurrency(
  world: Pick<World, 'context' | 'stage'>,
  look: Pick<Look, 'accountLimit'>,
  name: string,
  reserved: number | undefined,
): Promise<number | undefined> {
  const wanted = getFunction(world.stage, name).reservedConcurrency;
  // Zero, which stops a function, is always allowed.
  if (wanted === undefined || wanted === 0 || wanted === reserved) return wanted;
  const unreserved = (await look.accountLimit())?.UnreservedConcurrentExecutions;
  if (unreserved === undefined || unreserved + (reserved ?? 0) - wanted >= alwaysUnreserved) return wanted;
  if (!warned.has(world)) {
    warned.add(world);
    const message =
      `${functionNameOf(world.stage, name)} gets no reserved concurrency: the account has ${unreserved} unreserved ` +
      `executions, of which AWS keeps ${alwaysUnreserved}; ask for more in Service Quotas`;
    world.context.report({ type: 'concurrency-warning', message, unreserved, wanted });
  }
  return undefined;
}
