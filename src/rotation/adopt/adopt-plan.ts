import type { RoleGraph } from '../../database/role-graph.ts';
import type { RoleNames } from '../../database/roles.ts';
import { findAdoptRefusals, findAdoptWarnings } from './adopt-cautions.ts';
import { planDefaults, planGrants, planMemberships, planSchemas } from './adopt-grants.ts';
import { planDatabase, planMoves, planRest } from './adopt-ownership.ts';
import { planJoins, planRoles, planSlots } from './adopt-roles.ts';
import type { Adoption, AdoptPlan, AdoptStep, AdoptTransaction } from './adopt-step.ts';

/**
 * How a role that logs in, and owns tables or has rights, becomes the model of two slots: the owner role gets what it owns, the app
 * role what it may do with it, and the role itself is put into the app role, so that its sessions go on.
 *
 * Nothing is taken before it was given: first, in one transaction, all that only adds; then each relation alone, so that two
 * locks are never held at once and no session of a consumer can meet a deadlock; last the rest. Every step is left out
 * when the graph says that it was done.
 */
export function planAdopt(graph: RoleGraph, role: string, names: RoleNames): AdoptPlan {
  const adoption: Adoption = { graph, role, names };
  const moves = planMoves(adoption);
  const rest = planRest(adoption);
  const gives = [
    planRoles,
    planDatabase,
    planSchemas,
    planGrants,
    planMemberships,
    planDefaults,
    planSlots,
  ].flatMap((plan) => plan(adoption));
  // The owner acts for the role in between: whatever has moved still reaches what has not.
  const joins = planJoins(adoption, gives.length + moves.length + rest.length > 0);
  const [roles, others] = split(unique(gives));
  const transactions: AdoptTransaction[] = [
    { title: 'roles and rights, nothing taken', steps: [...roles, ...joins.before, ...others] },
    ...moves.map((steps): AdoptTransaction => ({ title: steps[0]?.why ?? '', steps, locks: true })),
    { title: 'what is left', steps: [...rest, ...joins.after] },
  ];
  const lockTimeoutMs = findLockTimeout(graph, role);
  return {
    role,
    database: graph.database,
    names,
    ...(lockTimeoutMs !== undefined && { lockTimeoutMs }),
    transactions: transactions.filter(({ steps }) => steps.length > 0),
    refusals: findAdoptRefusals(
      adoption,
      transactions.flatMap(({ steps }) => steps),
    ),
    warnings: findAdoptWarnings(adoption, moves.length),
  };
}

/** Joining the owner comes after the owner exists and before anything is done in its name. */
function split(steps: readonly AdoptStep[]): [AdoptStep[], AdoptStep[]] {
  const isRole = ({ sql }: AdoptStep): boolean => sql.startsWith('CREATE ROLE');
  return [steps.filter(isRole), steps.filter((step) => !isRole(step))];
}

/** Two reasons can ask for the same. */
function unique(steps: readonly AdoptStep[]): AdoptStep[] {
  return [...new Map(steps.toReversed().map((step) => [step.sql, step])).values()].toReversed();
}

const milliseconds: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };

/** A third of the shortest of the role's timeouts, which a statement that queues must not reach. */
function findLockTimeout({ settings }: RoleGraph, role: string): number | undefined {
  const limits = settings
    .filter((one) => one.role === role && ['lock_timeout', 'statement_timeout'].includes(one.name))
    .flatMap(({ value }) => {
      const [, number = '', unit = ''] = /^(\d+) *(ms|s|min|h|)$/.exec(value) ?? [];
      const ms = Number(number) * (milliseconds[unit] ?? 1);
      return ms > 0 ? [ms / 3] : [];
    });
  return limits.length === 0 ? undefined : Math.max(10, Math.floor(Math.min(...limits)));
}
