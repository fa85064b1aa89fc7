// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { type Environment, Signer } from './aws-signature.ts';
import type { CredentialSource } from './credentials.ts';

/**
 * A password for RDS that AWS checks by the function's role: the query of a presigned request, good for a login within
 * 15 minutes. It is signed here, without a call, so each connection gets its own.
 */
export function iamCredentials(env: Environment): CredentialSource {
  // Without `others`: a refused token would be refused again, it is the role or the grant of rds_iam that is missing.
  return async () => ({ user: env.PGUSER ?? '', password: iamToken(env) });
}

/** `host:port/?Action=connect&DBUser=…`, as the SDKs' signers make it (rds-db:connect). */
function iamToken(env: Environment): string {
  const { PGHOST = '', PGPORT, PGUSER = '', AWS_REGION = '' } = env;
  const host = `${PGHOST.toLowerCase()}:${PGPORT || 5432}`;
  const query = { Action: 'connect', DBUser: PGUSER, 'X-Amz-Expires': '900' };
  return `${host}/?${new Signer(env, 'rds-db', AWS_REGION).presignGet(host, query)}`;
}
