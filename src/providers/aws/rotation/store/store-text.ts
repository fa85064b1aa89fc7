import {
  isDatabaseUrl,
  parseCredentials,
  parseObject,
} from '../../../../../templates/runtime-node/lambdapg-runtime/credential-text.ts';
import type { StoredLogin } from '../../../../rotation/observation.ts';
import { Secret } from '../../../../secret.ts';

/** A login as the connection runtimes read it: JSON with `username` and `password`, or a URL; undefined: neither. */
export function parseStored(text: Secret): StoredLogin | undefined {
  const { user, password, host, port = 5432, database = '' } = parseCredentials(text.reveal()) ?? {};
  if (user === undefined || password === undefined) return undefined;
  return {
    user,
    password: new Secret(password),
    ...(host !== undefined && host !== '' && { place: `${host}:${port}/${database}` }),
  };
}

/**
 * `login` in the form of `model`: a URL stays a URL, JSON keeps its other keys, and a URL in one of them which has the former
 * login gets the new one. Without a model: what RDS and its proxies read.
 */
export function writeStored(model: Secret | undefined, login: StoredLogin): Secret {
  const text = model?.reveal() ?? '{"engine":"postgres"}';
  if (isDatabaseUrl(text)) return new Secret(urlWith(text, login));
  const former = parseCredentials(text);
  const entries = Object.entries(parseObject(text)).map(([key, value]) => [
    key,
    typeof value === 'string' && isDatabaseUrl(value) && parseCredentials(value)?.user === former?.user
      ? urlWith(value, login)
      : value,
  ]);
  const kept: Record<string, unknown> = Object.fromEntries(entries);
  return new Secret(JSON.stringify({ ...kept, username: login.user, password: login.password.reveal() }));
}

/** Everything but user and password stays as it was written. */
function urlWith(url: string, { user, password }: StoredLogin): string {
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password.reveal())}@`;
  return url.replace(/^(postgres(?:ql)?:\/\/)(?:[^/?#]*@)?/, (_all, scheme: string) => scheme + login);
}
