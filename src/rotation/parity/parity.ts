import type { RoleGraph } from '../../database/role-graph.ts';
import { UserError } from '../../errors.ts';
import { comparisons } from './parity-comparisons.ts';
import type { ParityFinding, ParityLogins } from './parity-finding.ts';

/**
 * Compares what is bound to the two login names instead of to the role that they act as: settings, limits, memberships, rights
 * of their own, objects, user mappings, policies. Lines of pg_hba.conf cannot be seen; a real login tries those.
 */
export function findDisparities(graph: RoleGraph, logins: ParityLogins): readonly ParityFinding[] {
  return comparisons.flatMap((compare) => compare(graph, logins));
}

/** @throws UserError NO_PARITY with every finding that requests could fail for, and the SQL that mends it */
export function verifyParity(findings: readonly ParityFinding[], logins: ParityLogins): void {
  const refusals = findings.filter(({ severity }) => severity === 'refuse');
  if (refusals.length === 0) return;
  const lines = refusals.map(({ message }) => `  ${message}`).join('\n');
  throw new UserError(
    'NO_PARITY',
    `"${logins.standby}" is not what "${logins.current}" is, so requests could fail after the change:\n${lines}`,
    { suggestions: refusals.flatMap(({ mend }) => mend.map((statement) => `as the admin: ${statement};`)) },
  );
}
