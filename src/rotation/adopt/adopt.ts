import type { Context } from '../../context.ts';
import { type AdoptLimits, usualAdoptLimits } from '../../database/adopt-role.ts';
import type { OpenDatabase } from '../../database/open-database.ts';
import type { RoleGraph } from '../../database/role-graph.ts';
import type { RoleNames } from '../../database/roles.ts';
import { errorCode, UserError } from '../../errors.ts';
import { adoptRoleJob } from '../../jobs/adopt-role-job.ts';
import { roleGraphJob } from '../../jobs/role-graph-job.ts';
import { planAdopt } from './adopt-plan.ts';
import type { AdoptPlan } from './adopt-step.ts';

/** The way to the database. */
export type AdoptDatabase = Pick<OpenDatabase, 'admin' | 'run'>;

/** Tables that consumers make while it works are found by another look; then something makes them all the time. */
const mostRounds = 4;

/** It exists already; it does not any more; somebody else changed the same role. */
const outdated = new Set(['42710', '42P01', '42704', 'XX000']);

export function readGraph(open: AdoptDatabase, focus: readonly string[]): Promise<RoleGraph> {
  return open.run(roleGraphJob, open.admin, { focus });
}

/** Looks, and says what would be done. */
export async function readAdoptPlan(open: AdoptDatabase, role: string, names: RoleNames): Promise<AdoptPlan> {
  return planAdopt(await readGraph(open, [role, names.app, names.slots.a, names.slots.b]), role, names);
}

/** @throws UserError of the first refusal, with what the others suggest */
export function verifyAdopt({ refusals }: AdoptPlan): void {
  const [first, ...others] = refusals;
  if (first === undefined) return;
  const message = [first.message, ...others.map((one) => one.message)].join('; ');
  throw new UserError(first.code, message, {
    suggestions: refusals.flatMap(({ suggestions }) => suggestions),
  });
}

/**
 * Carries out the plan, then plans again until there is nothing to do. Consumers go on as the role all the time. An interrupted
 * adoption is resumed by another one.
 *
 * @returns how many statements were run
 * @throws UserError ADOPT_LOCKED (75), ADOPT_NOT_ALLOWED, ADOPT_UNSETTLED, and those of `verifyAdopt`
 */
export async function adopt(
  context: Context,
  open: AdoptDatabase,
  plan: AdoptPlan,
  limits: AdoptLimits = usualAdoptLimits,
): Promise<{ readonly statements: number }> {
  let statements = 0;
  let next = plan;
  for (let round = 1; round <= mostRounds; round += 1) {
    verifyAdopt(next);
    if (next.transactions.length === 0) return { statements };
    const batches = next.transactions.map(({ steps }) => steps.map(({ sql }) => sql));
    const count = batches.flat().length;
    const message = `adopting "${plan.role}": ${count} statements in ${batches.length} transactions`;
    context.report({ type: 'adopting', message, role: plan.role, statements: count });
    const lockTimeoutMs = Math.min(limits.lockTimeoutMs, next.lockTimeoutMs ?? Number.POSITIVE_INFINITY);
    try {
      await open.run(adoptRoleJob, open.admin, { ...limits, batches, lockTimeoutMs });
      statements += count;
    } catch (error) {
      // The world is not what was planned on: another adoption, or a migration, was at work.
      if (round === mostRounds || !outdated.has(errorCode(error) ?? '')) throw error;
    }
    next = await readAdoptPlan(open, plan.role, plan.names);
  }
  const left = next.transactions.flatMap(({ steps }) => steps.map(({ sql }) => sql));
  throw new UserError(
    'ADOPT_UNSETTLED',
    `"${plan.role}" is not adopted yet, for something makes new objects as it: ${left.join('; ')}`,
    {
      suggestions: [`stop what runs DDL as "${plan.role}", and run it again`],
    },
  );
}
