import type { ScopeName } from './scopes.ts';

/** One IAM action that a call needs. */
export interface Grant {
  /** `rds:CreateDBInstance`: of IAM, which is not always the call's name. */
  readonly action: string;
  readonly scopes: readonly ScopeName[];
  /** Why an action beyond the call itself is needed, and who says so. */
  readonly why?: { readonly reason: string; readonly source: string };
}

/** The call's own action first, then those that AWS asks for on the way. */
export type Grants = readonly [Grant, ...Grant[]];

/** Calls, as `<service of the SDK>:<Operation>`, and what IAM asks for each. */
export type Rows = Readonly<Record<string, Grants>>;

/** Rows of calls whose IAM action has the same name, allowed on the same things. */
export function rowsOn(
  scopes: readonly ScopeName[],
  calls: readonly string[],
  also: readonly Grant[] = [],
): Rows {
  return Object.fromEntries(calls.map((call) => [call, [{ action: call, scopes }, ...also]]));
}

export const extra = (
  action: string,
  scopes: readonly ScopeName[],
  reason: string,
  source: string,
): Grant => ({ action, scopes, why: { reason, source } });
