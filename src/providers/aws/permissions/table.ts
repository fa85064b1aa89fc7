import { databaseRows } from './database-rows.ts';
import { functionRows } from './function-rows.ts';
import type { Grants, Rows } from './grant.ts';
import { networkRows } from './network-rows.ts';
import { serviceRows } from './service-rows.ts';

/** Every call that lambdapg makes to AWS, and the IAM actions it takes. */
export const table: Rows = { ...databaseRows, ...networkRows, ...functionRows, ...serviceRows };

/** `call`: `<service of the SDK>:<Operation>`, such as `rds:CreateDBInstance`. Undefined: no such row. */
export const findGrants = (call: string): Grants | undefined => table[call];

/** @throws Error: a call without a row is a bug, for no policy would allow it */
export function getGrants(call: string): Grants {
  const grants = findGrants(call);
  if (grants === undefined) throw new Error(`no row in the table of permissions for ${call}`);
  return grants;
}
