// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type { Environment } from './aws-signature.ts';
import { storedCredentials } from './credential-store.ts';
import { parseCredentials } from './credential-text.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import { iamCredentials } from './iam-token.ts';
import { plainCredentials } from './plain-credentials.ts';

/** What every signature needs; Lambda sets them. The session token is missing only for a person's own key. */
const awsVariables = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;
/** Each says where user and password come from. */
const choices = [
  'LAMBDAPG_SECRET_ARN',
  'LAMBDAPG_SECRET_PARAMETER',
  'LAMBDAPG_HEROKU_ADDON',
  'LAMBDAPG_DB_AUTH',
] as const;
/** Heroku's API answers 75 requests a minute for a whole account: each warm environment asks once in this time. */
const herokuMaxAgeSeconds = 3_600;
const isSecretArn = (arn: string): boolean => /^arn:[^:]+:secretsmanager:[^:]+:[^:]*:secret:./.test(arn);

/** @param faults what is wrong with the variables is added */
export function chooseCredentials(env: Environment, faults: string[]): CredentialSource {
  const [choice, ...more] = choices.filter((name) => env[name]);
  const { LAMBDAPG_DB_AUTH: auth } = env;
  if (auth && auth !== 'iam') faults.push(`LAMBDAPG_DB_AUTH=${auth} is unknown: use iam or leave it out`);
  if (more.length > 0) faults.push(`${[choice, ...more].join(' and ')} exclude each other`);
  switch (choice) {
    case 'LAMBDAPG_SECRET_ARN':
      return fromSecret(env, faults);
    case 'LAMBDAPG_SECRET_PARAMETER':
      return fromParameter(env, faults);
    case 'LAMBDAPG_HEROKU_ADDON':
      return fromHeroku(env, faults);
    case 'LAMBDAPG_DB_AUTH':
      return fromRole(env, faults);
    default:
      return env.DATABASE_URL && !env.PGPASSWORD ? fromUrl(env, faults) : fromPlain(env, faults);
  }
}

function fromSecret(env: Environment, faults: string[]): CredentialSource {
  const { LAMBDAPG_SECRET_ARN: arn = '' } = env;
  if (!isSecretArn(arn)) faults.push(`LAMBDAPG_SECRET_ARN=${arn} is no ARN of a secret`);
  faults.push(...missing(env, awsVariables));
  const read = async (stage: 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS'): Promise<Credentials> => {
    const { readSecret } = await import('./secrets-manager.ts');
    return parse(await readSecret(env, arn, stage), `the secret ${arn}`);
  };
  const others = (['AWSPENDING', 'AWSPREVIOUS'] as const).map((stage) => () => read(stage));
  return storedCredentials(arn, maxAgeMs(env, faults), () => read('AWSCURRENT'), others);
}

function fromParameter(env: Environment, faults: string[]): CredentialSource {
  const { LAMBDAPG_SECRET_PARAMETER: name = '' } = env;
  faults.push(...missing(env, ['AWS_REGION', ...awsVariables]));
  return storedCredentials(name, maxAgeMs(env, faults), async () => {
    const { readParameter } = await import('./parameter-store.ts');
    return parse(await readParameter(env, name), `the parameter ${name}`);
  });
}

function fromHeroku(env: Environment, faults: string[]): CredentialSource {
  const { LAMBDAPG_HEROKU_ADDON: addon = '', LAMBDAPG_HEROKU_KEY_ARN: arn } = env;
  faults.push(...missing(env, ['LAMBDAPG_HEROKU_KEY_ARN', ...awsVariables]));
  if (arn && !isSecretArn(arn)) faults.push(`LAMBDAPG_HEROKU_KEY_ARN=${arn} is no ARN of a secret`);
  return storedCredentials(addon, maxAgeMs(env, faults, herokuMaxAgeSeconds), async () => {
    const { readHerokuUrl } = await import('./heroku-config.ts');
    return parse(await readHerokuUrl(env), `the config of the Heroku add-on ${addon}`);
  });
}

function fromRole(env: Environment, faults: string[]): CredentialSource {
  faults.push(...missing(env, ['PGHOST', 'PGDATABASE', 'PGUSER', 'AWS_REGION', ...awsVariables]));
  if (env.PGSSLMODE === 'disable') faults.push('PGSSLMODE=disable: IAM authentication needs TLS');
  return iamCredentials(env);
}

function fromUrl(env: Environment, faults: string[]): CredentialSource {
  const read = (name: 'DATABASE_URL' | 'DATABASE_URL_NEXT'): Credentials | undefined => {
    const credentials = parseCredentials(env[name] ?? '');
    if (env[name] && credentials?.host === undefined)
      faults.push(`${name} is no postgres://user:password@host/database`);
    return credentials;
  };
  const credentials = read('DATABASE_URL') ?? { user: '', password: '' };
  return plainCredentials(() => credentials, read('DATABASE_URL_NEXT'));
}

function fromPlain(env: Environment, faults: string[]): CredentialSource {
  faults.push(...missing(env, ['PGHOST', 'PGDATABASE', 'PGUSER', 'PGPASSWORD']));
  const user = env.PGUSER ?? '';
  const next = env.PGPASSWORD_NEXT ? { user, password: env.PGPASSWORD_NEXT } : undefined;
  return plainCredentials(() => ({ user, password: env.PGPASSWORD ?? '' }), next);
}

function maxAgeMs(env: Environment, faults: string[], usualSeconds = 300): number {
  const text = env.LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS || String(usualSeconds);
  if (!/^\d{1,6}$/.test(text))
    faults.push(`LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS=${text} is no number of seconds`);
  return Number(text) * 1000;
}

function parse(text: string, what: string): Credentials {
  const credentials = parseCredentials(text);
  if (credentials === undefined)
    throw new Error(`${what} is no JSON with username and password, and no postgres URL`);
  return credentials;
}

function missing(env: Environment, names: readonly string[]): string[] {
  return names.filter((name) => !env[name]).map((name) => `${name} is not set`);
}
