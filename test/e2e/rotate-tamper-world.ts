import { randomUUID } from 'node:crypto';
import { scramVerifier } from '../../src/database/scram.ts';
import { withClient } from '../../src/database/with-client.ts';
import { Cancelled, errorMessage } from '../../src/errors.ts';
import { openAws } from '../../src/providers/aws/clients.ts';
import { storeOf } from '../../src/providers/aws/rotation/store/store.ts';
import { secretsApi } from '../../src/providers/aws/rotation/store/store-api.ts';
import type { EffectName, Wish } from '../../src/rotation/decide/decision.ts';
import { memoryJournal } from '../../src/rotation/journal.ts';
import type { Consumer, CredentialStore, RotationParts, StoredLogin } from '../../src/rotation/parts.ts';
import type { RotationReport } from '../../src/rotation/report.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { Secret } from '../../src/secret.ts';
import { type Bed, startBed } from '../bed/bed.ts';
import { openRotation, sql, startServer, type TestServer } from '../rotation/database-bed.ts';
import { resumeWish, testContext, wishFor } from '../rotation/test-run.ts';

type Label = 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS';

/** A server and an account, for one secret after the other. */
export interface TamperBed {
  /** A new secret, closed by a former rotation: library_a is current, the login of library_b is dead. */
  makeWorld(): Promise<TamperWorld>;
  stop(): Promise<void>;
}

/** Two slots of a real server, a secret on the bed, one consumer that follows it and one that holds a copy. */
export interface TamperWorld {
  /** A rotation that ends right after that effect. */
  rotateUntil(last: EffectName): Promise<void>;
  run(wish: Partial<Wish>): Promise<RotationReport>;
  /** Moves a label as somebody does by hand; without `to` it is taken away. */
  move(label: Label, to?: string): Promise<void>;
  version(label: Label): Promise<string | undefined>;
  /** A value that somebody stores. @returns its version */
  put(label: Label, value: Readonly<Record<string, unknown>>): Promise<string>;
  login(label: Label): Promise<StoredLogin | undefined>;
  /** The slot that AWSCURRENT names, and the other. */
  slots(): Promise<{ readonly current: string; readonly standby: string }>;
  sql(text: string): Promise<unknown>;
  setPassword(user: string, password: Secret): Promise<unknown>;
  /** What is wrong with the world once a rotation is over; empty when nothing is. */
  faults(): Promise<string[]>;
}

export async function startTamperBed(): Promise<TamperBed> {
  const [server, bed] = await Promise.all([startServer(), startBed()]);
  Object.assign(process.env, bed.environment);
  return {
    makeWorld: () => makeWorld(server, bed),
    async stop() {
      await server.cleanUp();
      await bed.stop();
    },
  };
}

const newPassword = (): Secret => new Secret(`by-hand-${randomUUID()}`);
const textOf = ({ user, password }: StoredLogin): string =>
  JSON.stringify({ username: user, password: password.reveal() });

async function makeWorld(server: TestServer, bed: Bed): Promise<TamperWorld> {
  const SecretId = `shop-dev/${randomUUID()}`;
  const ask = <Output>(action: string, input: Record<string, unknown> = {}): Promise<Output> =>
    bed.aws<Output>({ service: 'secretsmanager', action, plain: false, input: { SecretId, ...input } });
  const first = { user: 'library_a', password: newPassword() };
  const dead = { user: 'library_b', password: newPassword() };
  const setPassword = (user: string, password: Secret): Promise<unknown> =>
    sql(
      server.local.admin,
      `ALTER ROLE ${user} LOGIN VALID UNTIL 'infinity' PASSWORD '${scramVerifier(password)}'`,
    );
  await setPassword(first.user, first.password);
  await setPassword(dead.user, newPassword());
  const input = { Name: SecretId, SecretString: textOf(dead) };
  await bed.aws({ service: 'secretsmanager', action: 'CreateSecret', plain: false, input });
  await ask('PutSecretValue', { SecretString: textOf(first) });
  const aws = await openAws({});
  const openStore = () => storeOf(secretsApi(aws, SecretId), SecretId, { pace: 0.05 });
  const journal = memoryJournal();
  const known: StoredLogin[] = [first, dead];
  const consumers = new Consumers(server, first, async () => (await openStore().read()).current?.login);
  const readLogins = async () => {
    const { current, pending, previous } = await openStore().read();
    return { AWSCURRENT: current?.login, AWSPENDING: pending?.login, AWSPREVIOUS: previous?.login };
  };
  const versions = async (): Promise<[string, string[]][]> =>
    Object.entries(
      (await ask<{ VersionIdsToStages: Record<string, string[]> }>('DescribeSecret')).VersionIdsToStages,
    );
  const version = async (label: Label) =>
    (await versions()).find(([, labels]) => labels.includes(label))?.[0];
  const run = async (wish: Wish, last?: EffectName): Promise<RotationReport> => {
    const stopping = new AbortController();
    const database = openRotation(server);
    const parts: RotationParts = {
      ...{ id: 'library-dev', slots: { a: 'library_a', b: 'library_b' } },
      ...{ store: remembering(openStore(), known), database, consumers: consumers.both },
    };
    const options = { journal, pollMs: 20, patienceMs: 1_500, soakMs: 0 };
    const watched = stopAfter(parts, last, () => stopping.abort());
    return database.withLease(() => rotate(testContext(stopping.signal), watched, wish, options));
  };
  return {
    async rotateUntil(last) {
      const report = await run(wishFor(usual), last).catch((error: unknown) => error);
      if (!(report instanceof Cancelled)) throw new Error(`not stopped: ${JSON.stringify(report)}`);
    },
    run: (wish) =>
      wish.start === undefined ? run(resumeWish({ ...usual, ...wish })) : run(wishFor({ ...usual, ...wish })),
    async move(VersionStage, MoveToVersionId) {
      const RemoveFromVersionId = await version(VersionStage);
      await ask('UpdateSecretVersionStage', { VersionStage, MoveToVersionId, RemoveFromVersionId });
    },
    version,
    async put(label, value) {
      const SecretString = JSON.stringify(value);
      const made = { SecretString, VersionStages: [label], ClientRequestToken: randomUUID() };
      return (await ask<{ VersionId: string }>('PutSecretValue', made)).VersionId;
    },
    login: async (label) => (await readLogins())[label],
    async slots() {
      const current = (await readLogins()).AWSCURRENT?.user ?? '';
      return { current, standby: current === 'library_a' ? 'library_b' : 'library_a' };
    },
    sql: (text) => sql(server.local.admin, text),
    setPassword,
    async faults() {
      const logins = await readLogins();
      const isCurrent = ({ password }: StoredLogin) =>
        password.reveal() === logins.AWSCURRENT?.password.reveal();
      const others = known.filter((value) => !isCurrent(value));
      const alive = await Promise.all(others.map((value) => refusal(server, value)));
      return [
        ...((await version('AWSPENDING')) === undefined ? [] : ['AWSPENDING is still there']),
        ...(await refusals('AWSCURRENT', server, logins.AWSCURRENT)),
        ...(await refusals('the consumer that holds a copy', server, consumers.held)),
        ...alive.flatMap((refused, at) =>
          refused === '' ? [`an old login of ${others[at]?.user} lives`] : [],
        ),
      ];
    },
  };
}

const usual: Partial<Wish> = { canary: [100], terminate: 'none', drainMs: 100 };

async function refusal({ local }: TestServer, login: StoredLogin): Promise<string> {
  const target = { ...local.slots.a, ...login };
  return withClient(target, { applicationName: 'test' }, async () => '').catch(errorMessage);
}

async function refusals(what: string, server: TestServer, login?: StoredLogin): Promise<string[]> {
  const refused = login === undefined ? 'there is none' : await refusal(server, login);
  return refused === '' ? [] : [`${what}: ${refused}`];
}

/** One that follows the secret, and one that holds a copy. */
class Consumers {
  held: StoredLogin;
  readonly both: readonly Consumer[];

  constructor(server: TestServer, first: StoredLogin, current: () => Promise<StoredLogin | undefined>) {
    this.held = first;
    const prove = async (login: StoredLogin | undefined) => {
      const refused = login === undefined ? 'it has no login' : await refusal(server, login);
      if (login === undefined || refused !== '') return { ok: false, detail: refused };
      return { ok: true, detail: 'it logs in', user: login.user };
    };
    const read = { takesNext: true, staged: false, state: 'ready', drainMs: 100 } as const;
    this.both = [
      {
        id: 'function follows',
        read: async (seen) => ({ ...read, kind: 'follows', holds: seen.current?.login }),
        prove: async () => prove(await current()),
      },
      {
        id: 'function holds',
        read: async () => ({ ...read, kind: 'holds', holds: this.held }),
        shift: async ({ login }) => {
          this.held = login;
        },
        prove: () => prove(this.held),
      },
    ];
  }
}

/** A store that keeps account of what was put into it. */
const remembering = (store: CredentialStore, known: StoredLogin[]): CredentialStore => ({
  ...store,
  putPending(token, login) {
    known.push(login);
    return store.putPending(token, login);
  },
});

/** Calls `stop` once that effect is done. */
function stopAfter(parts: RotationParts, last: EffectName | undefined, stop: () => void): RotationParts {
  const seen =
    <Args extends unknown[], Result>(name: EffectName, work: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      const result = await work(...args);
      if (name === last) stop();
      return result;
    };
  const { store, database, consumers } = parts;
  return {
    ...parts,
    store: {
      ...store,
      putPending: seen('put-pending', store.putPending),
      promote: seen('promote', store.promote),
      clearPending: seen('clear-pending', store.clearPending),
    },
    database: {
      ...database,
      setPassword: seen('set-password', (login: StoredLogin) => database.setPassword(login)),
      retire: seen('retire', database.retire),
    },
    consumers: consumers.map((consumer) => ({
      ...consumer,
      ...(consumer.shift && { shift: seen('shift', consumer.shift) }),
    })),
  };
}
