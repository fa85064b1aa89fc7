import type { Consumer, ReadVersion, StoreSeen } from '../../../../rotation/parts.ts';
import { type Carrier, verifyRoom } from './environment-carrier.ts';
import {
  type ConsumerWorld,
  changeLatest,
  type FunctionPlace,
  latest,
  lookAtFunction,
  titleOf,
  variablesOf,
} from './function-consumer.ts';
import { type Asking, proverOf } from './prove.ts';

/** `$LATEST`, as it is called without a qualifier, and as the next version is made of. A change of it is for everybody at once. */
export function latestConsumer(
  world: ConsumerWorld,
  name: string,
  carrier: Carrier,
  asking: Asking,
): Consumer {
  const place: FunctionPlace = { name, qualifier: latest };
  const id = `${titleOf({ name, qualifier: latest })}:${latest}`;
  let known: StoreSeen = { pendingIsCurrent: false };
  return {
    id,
    async read(seen) {
      known = seen;
      const { configuration, state, why } = await lookAtFunction(world, place);
      const variables = variablesOf(configuration);
      // While a change runs, or after one that failed, the old configuration serves and the new one is shown.
      const holds = state === 'ready' ? carrier.holds(variables, known) : undefined;
      const next = state === 'ready' ? carrier.holdsNext?.(variables, known) : undefined;
      return {
        ...{ kind: 'holds', takesNext: carrier.changeNext !== undefined, staged: false, state, holds },
        ...(why !== undefined && { why }),
        ...(next !== undefined && { next }),
        drainMs: drainOf(configuration?.Timeout),
      };
    },
    async shift(to: ReadVersion, percent) {
      // There are no shares to take back.
      if (percent > 0) await changeLatest(world, name, carrier.change(to, known));
    },
    ...giverOf(carrier, (change) => changeLatest(world, name, change)),
    async verify(seen) {
      const { configuration, state } = await lookAtFunction(world, place);
      if (state === 'ready') verifyRoom(carrier, variablesOf(configuration), seen, id);
      return [];
    },
    ...proverOf(world, () => Promise.resolve([place]), asking),
  };
}

/** `giveNext` where the function has a variable for it. */
export const giverOf = (
  carrier: Carrier,
  carryOut: (change: ReturnType<NonNullable<Carrier['changeNext']>>) => Promise<unknown>,
): Pick<Consumer, 'giveNext'> => {
  const { changeNext } = carrier;
  if (changeNext === undefined) return {};
  return {
    async giveNext(next) {
      await carryOut(changeNext(next));
    },
  };
};

/**
 * Invocations that run on with the old environment: as long as the function may. Frozen ones get no new invocations.
 * New routes take a few seconds to be known everywhere, of which AWS gives no number: taken to be 5 s.
 */
export const drainOf = (timeoutSeconds = 3): number => timeoutSeconds * 1_000 + 5_000;
