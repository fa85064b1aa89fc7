import type { OpenDatabase } from '../../../database/open-database.ts';
import { type SlotLogins, type SlotName, slotNames } from '../../../database/roles.ts';
import type { ConnectionTarget } from '../../../database/target.ts';
import { errorCode, errorMessage } from '../../../errors.ts';
import { ensureRolesJob } from '../../../jobs/ensure-roles-job.ts';
import { queryJob } from '../../../jobs/query-job.ts';
import { parseProjectName } from '../../../project/names.ts';
import type { Found } from '../../../provision/step.ts';
import { explainDenied } from '../permissions/explain-denied.ts';
import type { DatabaseHave } from './database-have.ts';
import type { Login } from './login.ts';
import { readLogin, type SecretHave, secretNameOf, slotSecret } from './secrets.ts';
import { absent } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

/**
 * The project's roles in the database. They are there when each slot that has a secret can log in with it (or slot a with an IAM
 * token) and acts as the application role.
 */
export function loginsStep(
  world: World,
  needs: {
    readonly database: AwsStep<DatabaseHave>;
    readonly secrets: readonly AwsStep<SecretHave>[];
    /** The way to a private database, when it takes one. */
    readonly runner?: AwsStep<unknown>;
  },
): AwsStep<null> {
  const { stage } = world;
  const { database, secrets, runner } = needs;
  return {
    id: 'logins',
    title: `roles of ${stage.project} in the database`,
    needs: [database, ...secrets, ...(runner === undefined ? [] : [runner])],
    async find(look) {
      const found = await database.find(look);
      if (found.state !== 'ready' && found.state !== 'drifted') return absent;
      for (const secret of secrets) if ((await secret.find(look)).state !== 'ready') return absent;
      if (runner !== undefined && (await runner.find(look)).state === 'absent') {
        return { state: 'unverified', why: 'the database is private and there is no runner yet' };
      }
      try {
        return await findLogins(world, await world.openDatabase(found.have));
      } catch (error) {
        // Who may only look, as a CI job on a pull request, has no business with the login.
        const denied = explainDenied(error, 'secretsmanager:GetSecretValue');
        if (denied === undefined) throw error;
        return { state: 'unverified', why: `${denied.action} is not allowed here` };
      }
    },
    create: async (haves) => createLogins(world, await world.openDatabase(haves.get(database))),
  };
}

/** Makes the roles, or puts right what of them does not log in. */
export async function createLogins(world: World, open: OpenDatabase): Promise<void> {
  const names = parseProjectName(world.stage.project);
  const logins = await readSlots(world);
  const renewed: SlotName[] = [];
  for (const { slot, target } of targetsOf(open, logins)) {
    if ((await findLogin(world, open, target)).state === 'absent' && slot !== undefined) renewed.push(slot);
  }
  await open.run(ensureRolesJob, open.admin, { names, logins: passwordsOf(logins), renewed });
}

/** What the secrets have for each slot; behind no proxy the active one alone. */
type SlotSecrets = 'iam' | ReadonlyMap<SlotName, Login>;

async function readSlots({ aws, stage }: World): Promise<SlotSecrets> {
  if (stage.cloud.auth === 'iam') return 'iam';
  const resources = stage.cloud.proxy === false ? ['active'] : slotNames.map(slotSecret);
  const logins = await Promise.all(
    resources.map((resource) => readLogin(aws, secretNameOf(stage, resource))),
  );
  return new Map(
    slotNames.flatMap((slot) => {
      const login = logins.find(({ username }) => username === `${stage.snake}_${slot}`);
      return login === undefined ? [] : [[slot, login] as const];
    }),
  );
}

const passwordsOf = (logins: SlotSecrets): SlotLogins =>
  logins === 'iam' ? logins : Object.fromEntries([...logins].map(([slot, { password }]) => [slot, password]));

function targetsOf(open: OpenDatabase, logins: SlotSecrets): { slot?: SlotName; target: ConnectionTarget }[] {
  if (logins === 'iam') return [{ target: open.app }];
  return [...logins].map(([slot, { username: user, password }]) => ({
    slot,
    target: { ...open.app, user, password },
  }));
}

/** Whether every login that has a secret works and acts as the application role. */
export async function findLogins(world: World, open: OpenDatabase): Promise<Found<null>> {
  const logins = targetsOf(open, await readSlots(world));
  const found = await Promise.all(logins.map(({ target }) => findLogin(world, open, target)));
  const worst =
    found.find(({ state }) => state === 'unverified') ?? found.find(({ state }) => state === 'absent');
  return worst ?? { state: 'ready', have: null };
}

/** No such role or another password; no such database; no rights there: what creating the roles puts right. */
const notYet = new Set(['DATABASE_LOGIN_REFUSED', 'DATABASE_ACCESS_REFUSED', 'DATABASE_MISSING']);

async function findLogin(
  { stage }: World,
  open: OpenDatabase,
  target: ConnectionTarget,
): Promise<Found<null>> {
  try {
    const { results } = await open.run(queryJob, target, {
      path: 'lambdapg',
      text: 'SELECT current_user',
      oneTransaction: true,
      maxRows: 1,
      maxSize: 1_000,
    });
    const role = results[0]?.rows[0]?.[0];
    return role === `${stage.snake}_app` ? { state: 'ready', have: null } : absent;
  } catch (error) {
    if (notYet.has(errorCode(error) ?? '')) return absent;
    return { state: 'unverified', why: errorMessage(error) };
  }
}
