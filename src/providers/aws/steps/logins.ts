import type { OpenDatabase } from '../../../database/open-database.ts';
import type { SlotLogins } from '../../../database/roles.ts';
import { errorCode, errorMessage } from '../../../errors.ts';
import { ensureRolesJob } from '../../../jobs/ensure-roles-job.ts';
import { queryJob } from '../../../jobs/query-job.ts';
import { parseProjectName } from '../../../project/names.ts';
import type { Found } from '../../../provision/step.ts';
import { explainDenied } from '../permissions/explain-denied.ts';
import type { DatabaseHave } from './database-have.ts';
import { readLogin, type SecretHave, secretNameOf } from './secrets.ts';
import { absent } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

/**
 * The project's roles in the database. They are there when slot a can log in with the password that the functions will read (or
 * with an IAM token) and acts as the application role.
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
        return await findLogin(await world.openDatabase(found.have), `${stage.snake}_app`);
      } catch (error) {
        // Who may only look, as a CI job on a pull request, has no business with the login.
        const denied = explainDenied(error, 'secretsmanager:GetSecretValue');
        if (denied === undefined) throw error;
        return { state: 'unverified', why: `${denied.action} is not allowed here` };
      }
    },
    async create(haves) {
      const open = await world.openDatabase(haves.get(database));
      const names = parseProjectName(stage.project);
      await open.run(ensureRolesJob, open.admin, { names, logins: await readLogins(world) });
    },
  };
}

async function readLogins({ aws, stage }: World): Promise<SlotLogins> {
  if (stage.cloud.auth === 'iam') return 'iam';
  const a = (await readLogin(aws, secretNameOf(stage, stage.cloud.proxy === false ? 'active' : 'slot-a')))
    .password;
  if (stage.cloud.proxy === false) return { a };
  return { a, b: (await readLogin(aws, secretNameOf(stage, 'slot-b'))).password };
}

/** No such role or another password; no such database; no rights there: what creating the roles puts right. */
const notYet = new Set(['DATABASE_LOGIN_REFUSED', 'DATABASE_ACCESS_REFUSED', 'DATABASE_MISSING']);

async function findLogin(open: OpenDatabase, appRole: string): Promise<Found<null>> {
  try {
    const { results } = await open.run(queryJob, open.app, {
      path: 'lambdapg',
      text: 'SELECT current_user',
      oneTransaction: true,
      maxRows: 1,
      maxSize: 1_000,
    });
    const role = results[0]?.rows[0]?.[0];
    return role === appRole ? { state: 'ready', have: null } : absent;
  } catch (error) {
    if (notYet.has(errorCode(error) ?? '')) return absent;
    return { state: 'unverified', why: errorMessage(error) };
  }
}
