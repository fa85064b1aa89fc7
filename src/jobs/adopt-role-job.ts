import { type AdoptBatch, type AdoptLimits, runAdoption } from '../database/adopt-role.ts';
import { describeTarget, explainPostgresError } from '../database/explain.ts';
import type { Job } from '../database/route.ts';
import { withClient } from '../database/with-client.ts';
import { errorCode, errorMessage, exitCodes, UserError } from '../errors.ts';
import { type Blocker, describeBlocker, watchBlockers } from '../seed/watch-blockers.ts';

export interface AdoptRoleInput extends AdoptLimits {
  readonly batches: readonly AdoptBatch[];
}

/** Carries out an adoption that was planned and agreed to. May be repeated: what was done is planned no more. */
export const adoptRoleJob: Job<AdoptRoleInput, { readonly done: true }> = {
  name: 'adopt-role',
  async work(context, target, { batches, ...limits }) {
    let blockers: readonly Blocker[] = [];
    try {
      await withClient(target, { applicationName: 'lambdapg adopt' }, async (client) => {
        const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        const watch = watchBlockers(context, target, rows[0]?.pid ?? 0, limits.lockTimeoutMs / 2);
        try {
          await runAdoption(client, batches, limits, context.signal);
        } finally {
          blockers = await watch.stop();
        }
      });
    } catch (error) {
      throw explain(error, blockers) ?? explainPostgresError(error, describeTarget(target)) ?? error;
    }
    return { done: true };
  },
};

function explain(error: unknown, blockers: readonly Blocker[]): UserError | undefined {
  const code = errorCode(error);
  if (code === '55P03' || code === '40P01') {
    const who = blockers.length === 0 ? 'another session' : blockers.map(describeBlocker).join('; ');
    return new UserError('ADOPT_LOCKED', `a table stayed locked by ${who}: ${errorMessage(error)}`, {
      suggestions: ['run it again: what is done stays done, and consumers were not disturbed'],
      exit: exitCodes.temporary,
      cause: error,
    });
  }
  if (code !== '42501') return undefined;
  return new UserError('ADOPT_NOT_ALLOWED', `the admin may not do a part of it: ${errorMessage(error)}`, {
    suggestions: ['run lambdapg rotate-creds --adopt … --plan to see the statements'],
    cause: error,
  });
}
