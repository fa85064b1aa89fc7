import type { RoleGraph } from '../../database/role-graph.ts';
import type { RoleNames } from '../../database/roles.ts';

/** What an adoption starts from. */
export interface Adoption {
  readonly graph: RoleGraph;
  /** The single role that consumers log in as. */
  readonly role: string;
  readonly names: RoleNames;
}

export interface AdoptStep {
  readonly sql: string;
  readonly why: string;
  /** Whose rights it takes, where the admin's own may not do. */
  readonly by?: string;
}

export interface AdoptTransaction {
  readonly title: string;
  readonly steps: readonly AdoptStep[];
  /** Takes an ACCESS EXCLUSIVE lock on one relation for a moment. */
  readonly locks?: true;
}

/** Why an adoption is not begun. */
export interface AdoptRefusal {
  readonly code: string;
  readonly message: string;
  readonly suggestions: readonly string[];
}

export interface AdoptPlan {
  readonly role: string;
  readonly database: string;
  readonly names: RoleNames;
  /** One after the other; none when there is nothing to do. */
  readonly transactions: readonly AdoptTransaction[];
  /** Longest wait for a lock that the role's own timeouts allow: its statements queue behind it. Milliseconds. */
  readonly lockTimeoutMs?: number;
  readonly refusals: readonly AdoptRefusal[];
  readonly warnings: readonly string[];
}
