import { describeTarget, explainPostgresError } from '../database/explain.ts';
import { rotationWork } from '../database/login-sessions.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { type Client, withClient } from '../database/with-client.ts';
import { UserError } from '../errors.ts';

/** A connection of a rotation's own, whose faults are explained. */
export async function withRotationClient<T>(
  target: ConnectionTarget,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  try {
    return await withClient(target, { applicationName: rotationWork }, work);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw explainPostgresError(error, describeTarget(target)) ?? error;
  }
}
