// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type { Environment } from './aws-signature.ts';
import { isDatabaseUrl, parseObject } from './credential-text.ts';
import { ask } from './http-request.ts';
import { readSecret } from './secrets-manager.ts';

const advice: Readonly<Record<number, string>> = {
  401: 'the API key in LAMBDAPG_HEROKU_KEY_ARN is not valid any more',
  403: 'the API key may not read the add-on',
  404: 'there is no such add-on, or the API key does not see it',
  429: 'the hourly limit of the API key is used up',
};

/**
 * Asks Heroku's API for the database's URL, which changes when Heroku rotates it (devcenter.heroku.com,
 * platform-api-reference, Add-on Config). The API key is read from its secret each time: it may be rotated as well.
 *
 * @throws Error that names the add-on, and holds neither key nor URL
 */
export async function readHerokuUrl(env: Environment): Promise<string> {
  const { LAMBDAPG_HEROKU_ADDON: addon = '', LAMBDAPG_HEROKU_KEY_ARN: arn = '' } = env;
  const secret = await readSecret(env, arn, 'AWSCURRENT');
  const { apiKey = secret.trim() } = parseObject(secret);
  const base = env.LAMBDAPG_HEROKU_API_URL || 'https://api.heroku.com';
  const url = new URL(`/addons/${encodeURIComponent(addon)}/config`, base);
  const headers = { authorization: `Bearer ${apiKey}`, accept: 'application/vnd.heroku+json; version=3' };
  const { status, text } = await ask(() => ({ method: 'GET', url: url.href, headers }));
  if (status === 200) return chooseUrl(text);
  const hint = advice[status] ?? (status === 0 ? `${url.host} cannot be reached (${text})` : '');
  const said = [status === 0 ? '' : `HTTP ${status}`, hint].filter((part) => part !== '').join(': ');
  throw new Error(`cannot read the config of the Heroku add-on ${addon}: ${said}`);
}

/** The order of the entries means nothing; a pooler's URL stands beside the database's own. */
function chooseUrl(text: string): string {
  const entries = parseList(text).filter(
    (entry): entry is { name: string; value: string } =>
      typeof entry.name === 'string' && typeof entry.value === 'string' && isDatabaseUrl(entry.value),
  );
  const direct = entries.filter(({ name }) => !name.endsWith('CONNECTION_POOL_URL'));
  const found =
    direct.find(({ name }) => name.endsWith('DATABASE_URL')) ??
    direct.find(({ name }) => name.endsWith('_URL'));
  return found?.value ?? '';
}

function parseList(text: string): Record<string, unknown>[] {
  const { list } = parseObject(`{"list":${text}}`);
  return Array.isArray(list) ? list.filter((entry) => typeof entry === 'object' && entry !== null) : [];
}
