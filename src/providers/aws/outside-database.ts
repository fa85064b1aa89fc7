import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import {
  parseCredentials,
  parseObject,
} from '../../../templates/runtime-node/lambdapg-runtime/credential-text.ts';
import type { Context } from '../../context.ts';
import { parseDatabaseUrl } from '../../database/database-url.ts';
import type { ConnectionTarget } from '../../database/target.ts';
import { UserError } from '../../errors.ts';
import { Secret } from '../../secret.ts';
import { readAddonUrl } from '../heroku/read-addon-url.ts';
import type { Aws } from './clients.ts';
import { unlessGone } from './judge.ts';
import type { StageDatabase } from './routes/stage-database.ts';
import { nameOf, type Stage } from './stage.ts';
import { secretNameOf } from './steps/secrets.ts';

/** The secrets of a database outside AWS: its login, or the key of Heroku's API, and the variable that they are filled from. */
export const outsideSecrets = {
  url: { resource: 'active', variable: 'DATABASE_URL' },
  heroku: { resource: 'heroku-key', variable: 'HEROKU_API_KEY' },
} as const;

/**
 * A database outside AWS, with the one login that there is. No roles of ours were made there.
 *
 * @throws UserError SECRET_EMPTY, NO_HEROKU_ADDON; those of `readAddonUrl`
 */
export async function outsideDatabase(context: Context, aws: Aws, stage: Stage): Promise<StageDatabase> {
  const isHeroku = stage.cloud.database.kind === 'heroku';
  const login = isHeroku ? await herokuTarget(context, aws, stage) : await urlTarget(aws, stage);
  return {
    ...{ admin: login, app: login },
    ...{ publiclyAccessible: true, isOutside: true },
    runnerName: nameOf(stage, 'runner'),
    title: `${login.database} of ${login.host}${isHeroku ? ' (Heroku Postgres)' : ''}`,
  };
}

/** The value of a secret; undefined while the container is empty, or there is none. */
export async function readSecretText(aws: Aws, name: string): Promise<Secret | undefined> {
  const answer = await unlessGone(
    aws.read.secrets.send(new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' })),
  );
  return answer?.SecretString === undefined ? undefined : new Secret(answer.SecretString);
}

async function urlTarget(aws: Aws, stage: Stage): Promise<ConnectionTarget> {
  const { resource } = outsideSecrets.url;
  const name = secretNameOf(stage, resource);
  const text = await readSecretText(aws, name);
  if (text === undefined) throw secretEmpty(stage, 'url');
  if (/^postgres(ql)?:\/\//.test(text.reveal())) return parseDatabaseUrl(text);
  const { user, password, host, database, port = 5432 } = parseCredentials(text.reveal()) ?? {};
  if (user !== undefined && password !== undefined && host !== undefined && database !== undefined)
    return { host, port, database, user, password: new Secret(password), tls: {} };
  throw new UserError(
    'SECRET_UNREADABLE',
    `secret ${name} is no URL of a PostgreSQL, and no JSON with username, password, host and dbname`,
    { suggestions: [`aws secretsmanager put-secret-value --secret-id ${name} --secret-string file://…`] },
  );
}

async function herokuTarget(context: Context, aws: Aws, stage: Stage): Promise<ConnectionTarget> {
  const { herokuAddon: addon } = stage.cloud.database;
  if (addon === undefined) {
    throw new UserError('NO_HEROKU_ADDON', 'lambdapg.json names no add-on of Heroku', {
      suggestions: ['"cloud": {"database": {"herokuAddon": "postgresql-…"}}; heroku addons lists them'],
    });
  }
  const key = await herokuKey(context, aws, stage);
  if (key === undefined) throw secretEmpty(stage, 'heroku');
  const target = await parseDatabaseUrl(await readAddonUrl(context, addon, key));
  // Heroku's servers sign their own certificates: devcenter.heroku.com/articles/connecting-heroku-postgres
  return { ...target, tls: { verify: false } };
}

/** That of the person at the keyboard, else the one that the functions use. */
async function herokuKey({ env }: Context, aws: Aws, stage: Stage): Promise<Secret | undefined> {
  const { resource, variable } = outsideSecrets.heroku;
  const own = env[variable];
  if (own !== undefined && own !== '') return new Secret(own);
  const text = await readSecretText(aws, secretNameOf(stage, resource));
  if (text === undefined || !text.reveal().trim().startsWith('{')) return text;
  const { apiKey } = parseObject(text.reveal());
  return typeof apiKey === 'string' ? new Secret(apiKey) : undefined;
}

export function secretEmpty(stage: Stage, kind: keyof typeof outsideSecrets): UserError {
  const { resource, variable } = outsideSecrets[kind];
  return new UserError('SECRET_EMPTY', `secret ${secretNameOf(stage, resource)} has no value`, {
    suggestions: [`${variable}=… lambdapg deploy --stage ${stage.stage} puts it there, from the environment`],
  });
}
