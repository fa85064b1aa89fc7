import { Cancelled, errorMessage, exitCodes, UserError } from '../errors.ts';
import type { Consumer, ConsumerRead, StoreSeen } from './parts.ts';

/** Looks at one. Who could not be asked just now is `busy`, so that it is waited for; any other failure is told to a person. */
export async function readConsumer(
  consumer: Consumer,
  store: StoreSeen,
): Promise<{ readonly consumer: Consumer; readonly read: ConsumerRead }> {
  try {
    return { consumer, read: await consumer.read(store) };
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    const isPassing = error instanceof UserError && error.exit === exitCodes.temporary;
    const read: ConsumerRead = {
      kind: 'holds',
      holds: undefined,
      takesNext: false,
      staged: false,
      state: isPassing ? 'busy' : 'unreachable',
      why: errorMessage(error),
      drainMs: 0,
    };
    return { consumer, read };
  }
}
