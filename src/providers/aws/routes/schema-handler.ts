import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { iamCredentials } from '../../../../templates/runtime-node/lambdapg-runtime/iam-token.ts';
import type { Context } from '../../../context.ts';
import { roleNames, type SlotLogins, type SlotName } from '../../../database/roles.ts';
import type { ConnectionTarget } from '../../../database/target.ts';
import { errorCode, errorMessage, exitCodes, UserError } from '../../../errors.ts';
import { ensureRolesJob } from '../../../jobs/ensure-roles-job.ts';
import { migrateJob } from '../../../jobs/migrate-job.ts';
import { queryJob } from '../../../jobs/query-job.ts';
import { seedJob } from '../../../jobs/seed-job.ts';
import { type ProjectNames, parseProjectName } from '../../../project/names.ts';
import { Secret } from '../../../secret.ts';
import { type Login, newLogin } from '../steps/login.ts';
import { ensureSecretLogin, findSecretLogin } from './schema-secrets.ts';

/** What CloudFormation sends, through the framework's function of AWS CDK, as far as it is used. */
export interface SchemaEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ResourceProperties: SchemaProperties;
}

/** Of the custom resource in `templates/cdk`. All are strings, and none is a secret. */
export interface SchemaProperties {
  /** The database itself, not a proxy. */
  readonly host: string;
  readonly port?: string;
  /** Without it the ARNs of the secrets are given. */
  readonly auth?: 'iam';
  readonly adminSecretArn?: string;
  readonly activeSecretArn?: string;
  /** Behind a proxy, which knows one secret per login. */
  readonly slotASecretArn?: string;
  readonly slotBSecretArn?: string;
}

interface Invocation {
  getRemainingTimeInMillis(): number;
}

/** One for the whole life of the stack: another would make CloudFormation delete the former. */
const answer = { PhysicalResourceId: 'lambdapg-schema' };

/** Before Lambda ends the invocation: to cancel a statement, roll back, and say so. */
const farewellMs = 15_000;

/**
 * Brings secrets, roles, schema and seeds of a new or changed stack up to date, from the files beside it. Everything is asked for
 * again and again safely: CloudFormation repeats requests. What is thrown stands in the deployment's output.
 */
export async function handler(event: SchemaEvent, invocation: Invocation): Promise<typeof answer> {
  if (event.RequestType === 'Delete') return answer;
  const limit = new AbortController();
  const time = invocation.getRemainingTimeInMillis() - farewellMs;
  const timer = setTimeout(() => limit.abort(timeOver()), Math.max(0, time));
  const projectDir = process.env.LAMBDA_TASK_ROOT ?? process.cwd();
  const context: Context = {
    cwd: projectDir,
    env: process.env,
    signal: limit.signal,
    report: ({ type, message }) => {
      if (!type.endsWith('-progress')) console.log(message);
    },
    packageDir: projectDir,
    version: 'schema',
  };
  try {
    await bringUpToDate(context, event);
    return answer;
  } catch (error) {
    throw shown(error);
  } finally {
    clearTimeout(timer);
  }
}

async function bringUpToDate(context: Context, event: SchemaEvent): Promise<void> {
  const { cwd: projectDir } = context;
  const properties = event.ResourceProperties;
  const names = parseProjectName(await readName(projectDir));
  const admin = await adminTarget(context, names, properties);
  const logins = await findLogins(context, names, properties);
  await ensureRolesJob.work(context, admin, {
    names,
    logins,
    renewed: await findRefused(context, names, admin, logins),
  });
  const schema = { ownerRole: roleNames(names).owner, projectDir, dryRun: false };
  try {
    await migrateJob.work(context, admin, schema);
  } catch (error) {
    if (event.RequestType !== 'Update' || errorCode(error) !== 'MIGRATION_MISSING') throw error;
    // CloudFormation rolls back to a former state, whose files know less than the database. Migrations go forward only, and a
    // rollback that fails leaves a stack that only a person can mend.
    console.log(`the schema is left as it is: ${errorMessage(error)}`);
    return;
  }
  await seedJob.work(context, admin, { ...schema, truncate: false });
}

async function readName(projectDir: string): Promise<string> {
  const { name } = JSON.parse(await readFile(join(projectDir, 'lambdapg.json'), 'utf8')) as { name: string };
  return name;
}

async function adminTarget(
  { env, cwd }: Context,
  names: ProjectNames,
  { host, port = '5432', auth, adminSecretArn = '' }: SchemaProperties,
): Promise<ConnectionTarget> {
  const user = 'lambdapg_admin';
  const token = iamCredentials({ ...env, PGHOST: host, PGPORT: port, PGUSER: user });
  return {
    ...{ host, user, port: Number(port), database: names.snake },
    // Asked for each connection: tokens end after 15 minutes, and RDS rotates the password of the master user.
    password: async () =>
      auth === 'iam' ? new Secret((await token()).password) : (await getLogin(env, adminSecretArn)).password,
    tls: { ca: await readFile(join(cwd, 'rds-ca.pem'), 'utf8') },
  };
}

async function getLogin(env: Context['env'], arn: string): Promise<Login> {
  const login = await findSecretLogin(env, arn);
  if (login !== undefined) return login;
  throw new UserError('SECRET_EMPTY', `secret ${arn} of the master user has no value`);
}

/** The passwords of the slots; secrets without a value get one. */
async function findLogins(
  { env }: Context,
  { snake }: ProjectNames,
  { auth, activeSecretArn = '', slotASecretArn, slotBSecretArn }: SchemaProperties,
): Promise<SlotLogins> {
  if (auth === 'iam') return 'iam';
  const active = await ensureSecretLogin(env, activeSecretArn, () => newLogin(`${snake}_a`));
  if (slotASecretArn === undefined || slotBSecretArn === undefined)
    return { [active.username.endsWith('_b') ? 'b' : 'a']: active.password };
  // The slot that `active` names has its password, also where a proxy comes later.
  const slot = (arn: string, username: string) =>
    ensureSecretLogin(env, arn, () => (active.username === username ? active : newLogin(username)));
  const [a, b] = [await slot(slotASecretArn, `${snake}_a`), await slot(slotBSecretArn, `${snake}_b`)];
  return { a: a.password, b: b.password };
}

/** Slots that cannot log in with what their secret holds, as after a run that was cut off between the two. */
async function findRefused(
  context: Context,
  names: ProjectNames,
  admin: ConnectionTarget,
  logins: SlotLogins,
): Promise<SlotName[]> {
  if (logins === 'iam') return [];
  const refused: SlotName[] = [];
  const input = { path: 'lambdapg', text: 'SELECT 1', oneTransaction: true, maxRows: 1, maxSize: 100 };
  for (const [slot, password] of Object.entries(logins) as [SlotName, Secret][]) {
    const target = { ...admin, user: roleNames(names).slots[slot], password };
    try {
      await queryJob.work(context, target, input);
    } catch (error) {
      if (errorCode(error) === 'DATABASE_LOGIN_REFUSED') refused.push(slot);
    }
  }
  return refused;
}

/** As it stands in the output of a deployment, which shows one text. */
function shown(error: unknown): Error {
  if (!(error instanceof UserError)) return error instanceof Error ? error : new Error(String(error));
  const { code, message, suggestions } = error;
  const lines = [message, ...suggestions.map((suggestion) => `try: ${suggestion}`)];
  return Object.assign(new Error(lines.join('\n')), { name: code });
}

function timeOver(): UserError {
  return new UserError(
    'SCHEMA_TIME_OVER',
    'Lambda ends an invocation after 15 minutes, so the work on the schema stopped in time',
    {
      exit: exitCodes.temporary,
      suggestions: ['deploy again: finished files stay, and it goes on after them'],
    },
  );
}
