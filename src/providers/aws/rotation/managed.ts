import { setTimeout as sleep } from 'node:timers/promises';
import { type ExitCode, errorCode, errorMessage, exitCodes, UserError } from '../../../errors.ts';
import { queryJob } from '../../../jobs/query-job.ts';
import type { EndpointLogin } from '../../../rotation/observation.ts';
import { explainAwsError } from '../explain.ts';
import { judgeAwsError } from '../judge.ts';
import type { DatabaseHave } from '../steps/database-have.ts';
import type { World } from '../steps/world.ts';
import { askForRotation, findMasterSecret, type MasterSecret, readVersion } from './managed-secret.ts';

export interface ManagedOptions {
  /** Only looks and waits: nothing is asked for. */
  readonly resume?: boolean;
  /** Multiplies every wait and limit of time; tests go faster. */
  readonly pace?: number;
  /** Logs in as the master with what the secret holds now. */
  readonly logIn?: () => Promise<EndpointLogin>;
}

/** What became of the master password that RDS keeps. Nothing in it is secret. */
export interface ManagedReport {
  readonly strategy: 'managed';
  readonly outcome: 'closed' | 'waiting';
  readonly exit: ExitCode;
  readonly secretArn: string;
  readonly versionBefore: string;
  readonly versionAfter: string;
  /** A rotation was under way already and was waited for. */
  readonly joined: boolean;
  /** With the new password, at the writer. */
  readonly login?: EndpointLogin;
  readonly waitingFor?: string;
  readonly durationMs: number;
}

/** RDS takes less than a minute as a rule; its documents name no limit. */
const patienceMs = 15 * 60_000;
const pauseMs = 2_000;
/** How long the database may refuse what the secret holds already. */
const loginPatienceMs = 60_000;

/**
 * Has RDS rotate the master password that it keeps, waits until it has, and logs in with it. One that is under way is joined.
 *
 * @throws UserError NO_MANAGED_MASTER, MASTER_IMPAIRED
 */
export async function rotateManaged(
  world: World,
  database: DatabaseHave,
  { resume = false, pace = 1, logIn = () => logInAsMaster(world, database) }: ManagedOptions = {},
): Promise<ManagedReport> {
  const startedAt = Date.now();
  const before = await findMasterSecret(world.aws, database);
  verifyUnimpaired(before, database);
  const versionBefore = await readVersion(world.aws, before.arn);
  const joined = before.status === 'rotating';
  const asks = !resume && !joined;
  const course = new Course(world, database, pace, startedAt);
  if (asks) await course.ask(before, versionBefore);
  const settled = await course.wait(before.arn, asks || joined ? versionBefore : undefined);
  const common = { strategy: 'managed', secretArn: before.arn, versionBefore, joined } as const;
  const end = { ...common, versionAfter: settled.version };
  if (settled.waitingFor !== undefined) return open(end, startedAt, settled.waitingFor);
  const login = await course.verify(logIn);
  if (login.login !== 'ok')
    return { ...open(end, startedAt, `a login with the new password: ${login.why ?? login.login}`), login };
  return { ...end, outcome: 'closed', exit: exitCodes.done, login, durationMs: Date.now() - startedAt };
}

type Ending = Omit<ManagedReport, 'outcome' | 'exit' | 'durationMs'>;

const open = (ending: Ending, startedAt: number, waitingFor: string): ManagedReport => ({
  ...ending,
  ...{ outcome: 'waiting', exit: exitCodes.open, waitingFor },
  durationMs: Date.now() - startedAt,
});

class Course {
  readonly #world: World;
  readonly #database: DatabaseHave;
  readonly #pace: number;
  readonly #startedAt: number;
  #told = '';

  constructor(world: World, database: DatabaseHave, pace: number, startedAt: number) {
    this.#world = world;
    this.#database = database;
    this.#pace = pace;
    this.#startedAt = startedAt;
  }

  /** Until RDS has taken the request. A lost answer is looked for before it is asked again. */
  async ask({ arn }: MasterSecret, versionBefore: string): Promise<void> {
    this.#tell('RDS is asked for a new master password');
    for (;;) {
      try {
        return await askForRotation(this.#world.aws, this.#database);
      } catch (error) {
        const verdict = judgeAwsError(error);
        const doing = `master password of ${this.#database.id}`;
        if (verdict === 'fatal' || verdict === 'gone' || this.#isLate()) throw explainAwsError(error, doing);
        if (verdict === 'lost' && (await this.#hasBegun(arn, versionBefore))) return;
        this.#tell(`RDS is busy: ${errorMessage(error)}`);
        await this.#pause();
      }
    }
  }

  async #hasBegun(arn: string, versionBefore: string): Promise<boolean> {
    await this.#pause();
    const { status } = await findMasterSecret(this.#world.aws, this.#database);
    return status !== 'active' || (await readVersion(this.#world.aws, arn)) !== versionBefore;
  }

  /** @param other than that version is waited for; undefined: for any. @throws UserError MASTER_IMPAIRED */
  async wait(
    arn: string,
    other: string | undefined,
  ): Promise<{ readonly version: string; readonly waitingFor?: string }> {
    for (;;) {
      const seen = await findMasterSecret(this.#world.aws, this.#database);
      verifyUnimpaired(seen, this.#database);
      const version = await readVersion(this.#world.aws, arn);
      if (seen.status === 'active' && version !== other) return { version };
      const waitingFor =
        seen.status === 'active' ? 'RDS to begin with it' : `RDS, whose secret is ${seen.status}`;
      if (this.#isLate()) return { version, waitingFor };
      this.#tell(`waiting for ${waitingFor}`);
      await this.#pause();
    }
  }

  async verify(logIn: () => Promise<EndpointLogin>): Promise<EndpointLogin> {
    const until = Date.now() + loginPatienceMs * this.#pace;
    for (;;) {
      const login = await logIn();
      if (login.login === 'ok' || Date.now() > until) return login;
      this.#tell(`waiting for a login with the new password: ${login.why ?? login.login}`);
      await this.#pause();
    }
  }

  #isLate(): boolean {
    return Date.now() - this.#startedAt > patienceMs * this.#pace;
  }

  async #pause(): Promise<void> {
    const { signal } = this.#world.context;
    await sleep(pauseMs * this.#pace, undefined, { signal }).catch(() => signal.throwIfAborted());
  }

  #tell(message: string): void {
    if (message === this.#told) return;
    this.#told = message;
    this.#world.context.report({ type: 'managed-rotation', message, database: this.#database.id });
  }
}

function verifyUnimpaired({ status, arn, keyId }: MasterSecret, { id }: DatabaseHave): void {
  if (status !== 'impaired') return;
  throw new UserError(
    'MASTER_IMPAIRED',
    `RDS cannot use the secret of ${id}'s master password (${arn} is impaired); nothing was done`,
    {
      exit: exitCodes.open,
      suggestions: [
        `aws kms describe-key --key-id ${keyId ?? 'alias/aws/secretsmanager'} tells whether its key is enabled`,
        'docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html',
      ],
    },
  );
}

/** What says that the password is not the one that the database has. */
const refused = new Set(['DATABASE_LOGIN_REFUSED', 'DATABASE_ACCESS_REFUSED']);

async function logInAsMaster(world: World, database: DatabaseHave): Promise<EndpointLogin> {
  const endpoint = `writer ${database.host}:${database.port}`;
  const input = { path: 'lambdapg', text: 'SELECT 1', oneTransaction: true, maxRows: 1, maxSize: 1_000 };
  try {
    const { run, admin } = await world.openDatabase(database);
    await run(queryJob, admin, input);
    return { endpoint, login: 'ok' };
  } catch (error) {
    const login = refused.has(errorCode(error) ?? '') ? 'bad' : 'unknown';
    return { endpoint, login, why: errorMessage(error) };
  }
}
