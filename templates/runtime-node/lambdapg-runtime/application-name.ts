// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { createHash, randomBytes } from 'node:crypto';

let ownId: string | undefined;

/**
 * How this execution environment shows in `pg_stat_activity`: `lpg/<function>/<version>/<environment>`, at most 58
 * bytes, because PostgreSQL cuts the name at 63.
 */
export function applicationName(env: Readonly<Record<string, string | undefined>>): string {
  const name = shorten((env.AWS_LAMBDA_FUNCTION_NAME || 'local').replace(/[^\w.$-]/g, '_'));
  const version = (env.AWS_LAMBDA_FUNCTION_VERSION || '$LATEST').replace(/[^\w.$-]/g, '_').slice(0, 8);
  return `lpg/${name}/${version}/${environmentId(env.LAMBDAPG_ENVIRONMENT_ID)}`;
}

function shorten(name: string): string {
  if (name.length <= 36) return name;
  return `${name.slice(0, 27)}~${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

function environmentId(given: string | undefined): string {
  if (given !== undefined && /^[0-9a-f]{8}$/.test(given)) return given;
  // Made at the first connection, not at import: environments restored from one snapshot must differ.
  ownId ??= randomBytes(4).toString('hex');
  return ownId;
}
