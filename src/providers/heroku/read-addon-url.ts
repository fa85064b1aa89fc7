import type { Context } from '../../context.ts';
import { errorMessage, exitCodes, UserError } from '../../errors.ts';
import { Secret } from '../../secret.ts';

const advice: Readonly<Record<number, string>> = {
  401: 'the API key is not valid: heroku authorizations:create makes one',
  403: 'the API key may not read the add-on: heroku authorizations:create --scope read-protected',
  404: 'is "herokuAddon" in lambdapg.json the name of the add-on? heroku addons lists them',
};

interface ConfigVariable {
  readonly name?: string;
  readonly value?: string;
}

/**
 * The URL that Heroku has for a Postgres add-on now; it changes when Heroku rotates the credentials.
 * devcenter.heroku.com/articles/platform-api-reference#add-on-config
 *
 * @throws UserError HEROKU_REFUSED, HEROKU_UNREACHABLE (exit 75); neither quotes the key
 */
export async function readAddonUrl({ env, signal }: Context, addon: string, key: Secret): Promise<Secret> {
  const base = env.LAMBDAPG_HEROKU_API_URL || 'https://api.heroku.com';
  const headers = {
    authorization: `Bearer ${key.reveal().trim()}`,
    accept: 'application/vnd.heroku+json; version=3',
  };
  const url = new URL(`/addons/${encodeURIComponent(addon)}/config`, base);
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(15_000)]);
  const response = await fetch(url, { headers, signal: timeout }).catch((error: unknown) => {
    signal.throwIfAborted();
    const why = errorMessage(error instanceof Error && error.cause !== undefined ? error.cause : error);
    throw new UserError('HEROKU_UNREACHABLE', `${url.host} does not answer: ${why}`, {
      exit: exitCodes.temporary,
    });
  });
  if (!response.ok) {
    const hint = advice[response.status];
    throw new UserError('HEROKU_REFUSED', `Heroku answers ${response.status} for the add-on ${addon}`, {
      suggestions: hint === undefined ? [] : [hint],
    });
  }
  const found = chooseUrl((await response.json()) as ConfigVariable[]);
  if (found !== undefined) return new Secret(found);
  throw new UserError('HEROKU_REFUSED', `the add-on ${addon} has no URL of a PostgreSQL in its config`);
}

/** The order means nothing, and a pooler's URL stands beside the database's own. */
function chooseUrl(variables: readonly ConfigVariable[]): string | undefined {
  const urls = variables.filter(
    ({ name = '', value = '' }) => /^postgres(ql)?:/.test(value) && !name.endsWith('CONNECTION_POOL_URL'),
  );
  const own = urls.find(({ name = '' }) => name.endsWith('DATABASE_URL')) ?? urls[0];
  return own?.value;
}
