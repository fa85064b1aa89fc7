import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { Context } from '../../../context.ts';
import { parseDatabaseUrl } from '../../../database/database-url.ts';
import { slotNames } from '../../../database/roles.ts';
import { UserError } from '../../../errors.ts';
import { isManaged } from '../../../project/choices.ts';
import { Secret } from '../../../secret.ts';
import type { Look } from '../look.ts';
import { outsideSecrets, readSecretText, secretEmpty } from '../outside-database.ts';
import { isOurs } from '../stage.ts';
import { type Login, newLogin, secretText } from '../steps/login.ts';
import { readLogin, secretNameOf, slotSecret } from '../steps/secrets.ts';
import type { World } from '../steps/world.ts';

/** Names, after the stage's own, of the containers that the engine made and that nobody has filled. */
type Empty = ReadonlySet<string>;

/**
 * Puts values into the secrets that the engine made as empty containers. One that has a value is never overwritten: it may have been
 * rotated.
 *
 * @returns names of the secrets that this run has filled
 * @throws UserError SECRET_EMPTY: the value has to come from the environment, and is not there
 */
export async function fillSecrets(world: World, look: Look): Promise<string[]> {
  const { stage, context } = world;
  const { kind } = stage.cloud.database;
  const empty = await findEmpty(world, look);
  const filled: string[] = [];
  const put = async (resource: string, value: Secret): Promise<void> => {
    const name = secretNameOf(stage, resource);
    await world.aws.write.secrets.send(
      new PutSecretValueCommand({ SecretId: name, SecretString: value.reveal() }),
    );
    filled.push(name);
    context.report({ type: 'secret-filled', message: `secret ${name} has its value now`, secret: name });
  };
  if (kind === 'url' || kind === 'heroku') {
    const { resource } = outsideSecrets[kind];
    const value = empty.has(resource) ? await readOutsideValue(context, kind) : undefined;
    if (empty.has(resource) && value === undefined) throw secretEmpty(stage, kind);
    if (value !== undefined) await put(resource, value);
    return filled;
  }
  const putLogin = (resource: string, login: Login) => put(resource, new Secret(secretText(login)));
  if (empty.has('active')) await putLogin('active', newLogin(`${stage.snake}_a`));
  for (const slot of slotNames) {
    if (!empty.has(slotSecret(slot))) continue;
    const username = `${stage.snake}_${slot}`;
    // The slot that `active` names has its password.
    const active = await readLogin(world.aws, secretNameOf(stage, 'active'));
    await putLogin(slotSecret(slot), active.username === username ? active : newLogin(username));
  }
  return filled;
}

/**
 * Before the engine runs: whoever has to give a value has given it, or it is there already.
 *
 * @throws UserError SECRET_EMPTY
 */
export async function verifySecretSource({ context, aws, stage }: World): Promise<void> {
  const { kind } = stage.cloud.database;
  if (kind !== 'url' && kind !== 'heroku') return;
  const { resource } = outsideSecrets[kind];
  const isThere = (await readSecretText(aws, secretNameOf(stage, resource))) !== undefined;
  const isGiven = (await readOutsideValue(context, kind)) !== undefined;
  if (!isThere && !isGiven) throw secretEmpty(stage, kind);
  if (!isThere || !isGiven) return;
  const message = `${secretNameOf(stage, resource)} has a value already: that of ${outsideSecrets[kind].variable} is not looked at`;
  context.report({ type: 'secret-kept', message });
}

/** From the environment, never from the command line, which others on the computer can read. */
async function readOutsideValue(
  { env }: Context,
  kind: keyof typeof outsideSecrets,
): Promise<Secret | undefined> {
  const value = env[outsideSecrets[kind].variable];
  if (value === undefined || value === '') return undefined;
  if (kind === 'heroku') return new Secret(value);
  const { host, port, database, user, password } = await parseDatabaseUrl(value);
  if (typeof password === 'function') throw new Error('a URL has its password in it');
  const parts = { username: user, password: password.reveal(), host, port, dbname: database };
  return new Secret(JSON.stringify({ ...parts, engine: 'postgres' }));
}

async function findEmpty({ aws, stage }: World, look: Look): Promise<Empty> {
  const wanted = wantedSecrets(stage.cloud);
  const entries = (await look.secrets()).filter(({ DeletedDate }) => DeletedDate === undefined);
  const empty = new Set<string>();
  for (const resource of wanted) {
    const name = secretNameOf(stage, resource);
    const entry = entries.find(({ Name }) => Name === name);
    if (entry === undefined) {
      // Somebody has edited the engine's files; what functions read is theirs to say.
      continue;
    }
    if (!isOurs(stage, entry.Tags)) {
      throw new UserError('SECRET_FOREIGN', `secret ${name} does not carry this project's tags`, {
        suggestions: ['"lambdapg:project" and "lambdapg:stage" tell what belongs to a stage'],
      });
    }
    if ((await readSecretText(aws, name)) === undefined) empty.add(resource);
  }
  return empty;
}

function wantedSecrets({ database, auth }: World['stage']['cloud']): string[] {
  if (database.kind === 'url' || database.kind === 'heroku') return [outsideSecrets[database.kind].resource];
  if (!isManaged({ database: database.kind }) || auth === 'iam') return [];
  return ['active', ...slotNames.map(slotSecret)];
}
