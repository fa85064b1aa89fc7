// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { awsSigner, type Environment } from './aws-request.ts';
import type { CredentialSource } from './credentials.ts';

/**
 * A password for RDS that AWS checks by the function's role: the query of a presigned request, good for a login within
 * 15 minutes. It is signed here, without a call, so each connection gets its own.
 */
export function iamCredentials(env: Environment): CredentialSource {
  // A refused token would be refused again: it is the role or the grant of rds_iam that is missing.
  return async (refused) => refused ?? { user: env.PGUSER ?? '', password: await iamToken(env) };
}

/** `host:port/?Action=connect&DBUser=…`, as the SDKs' signers make it (rds-db:connect). */
async function iamToken(env: Environment): Promise<string> {
  const { PGHOST: host, PGPORT: port, PGUSER: user = '', AWS_REGION: region = '' } = env;
  const query = new URLSearchParams({ Action: 'connect', DBUser: user, 'X-Amz-Expires': '900' });
  const url = `https://${host}:${port || 5432}/?${query}`;
  const signer = awsSigner(env, { url, service: 'rds-db', region, signQuery: true });
  return `${signer.url.host}/?${signer.encodedSearch}&X-Amz-Signature=${await signer.signature()}`;
}
