import type { Consumer } from '../../../../rotation/parts.ts';
import type { Carrier } from './environment-carrier.ts';
import {
  type ConsumerWorld,
  type FunctionPlace,
  lookAtFunction,
  titleOf,
  variablesOf,
} from './function-consumer.ts';
import { drainOf } from './latest-consumer.ts';

/** A version that somebody calls by its number: what it holds cannot change, so its login must not be retired. */
export function pinnedConsumer(
  world: ConsumerWorld,
  place: FunctionPlace,
  by: string,
  carrier: Carrier,
): Consumer {
  const why = `${by} calls version ${place.qualifier} by its number, and a version cannot change: let it call an alias`;
  return {
    id: titleOf(place),
    async read(known) {
      const { configuration } = await lookAtFunction(world, place);
      const holds = carrier.holds(variablesOf(configuration), known);
      const drainMs = drainOf(configuration?.Timeout);
      return { kind: 'holds', takesNext: false, staged: false, holds, state: 'unreachable', why, drainMs };
    },
    unproved: why,
  };
}
