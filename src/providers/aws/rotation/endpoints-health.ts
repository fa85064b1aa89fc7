import type { EndpointLogin, RotationDatabase, StoredLogin } from '../../../rotation/parts.ts';
import type { Aws } from '../clients.ts';
import { describeProxyTargets } from '../describe-database.ts';

/**
 * Where a login through the proxy came to nothing, the proxy is asked whether it can log in itself: AUTH_FAILURE means that the
 * secret of a slot and the database disagree, which a client may see as a time-out.
 */
export function withProxyHealth<Database extends RotationDatabase>(
  aws: Aws,
  proxy: string,
  database: Database,
): Database {
  return {
    ...database,
    async proxyLogins(login: StoredLogin): Promise<readonly EndpointLogin[]> {
      const logins = await database.proxyLogins(login);
      if (!logins.some(({ login }) => login === 'unknown')) return logins;
      const failure = await findAuthFailure(aws, proxy);
      if (failure === undefined) return logins;
      return logins.map((one) =>
        one.login === 'unknown'
          ? { ...one, login: 'bad', why: `${failure}; the client saw: ${one.why}` }
          : one,
      );
    },
  };
}

/** In words; undefined: it can log in, or that is not what hinders it. */
async function findAuthFailure(aws: Aws, proxy: string): Promise<string | undefined> {
  const targets = await describeProxyTargets(aws, proxy).catch(() => []);
  const failed = targets.find(({ TargetHealth }) => TargetHealth?.Reason === 'AUTH_FAILURE');
  if (failed === undefined) return undefined;
  const { Description = '' } = failed.TargetHealth ?? {};
  return `proxy ${proxy} cannot log in at ${failed.RdsResourceId ?? 'its target'} (AUTH_FAILURE${Description === '' ? '' : `: ${Description}`})`;
}
