import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, UserError } from '../../../../errors.ts';
import type { StoredLogin } from '../../../../rotation/observation.ts';
import type { CredentialStore, ReadVersion, StoreSeen } from '../../../../rotation/parts.ts';
import type { Aws } from '../../clients.ts';
import { explainAwsError } from '../../explain.ts';
import { isGone, judgeAwsError } from '../../judge.ts';
import { type SecretsApi, type SecretVersion, secretsApi } from './store-api.ts';
import { parseStored, writeStored } from './store-text.ts';

/** Where consumers read the login: a secret of Secrets Manager and its labels. @param secretId name or ARN */
export const secretStore = (aws: Aws, secretId: string): CredentialStore =>
  storeOf(secretsApi(aws, secretId), secretId);

/** Multiplies every wait; tests go faster. */
export interface StorePace {
  readonly pace?: number;
}

/**
 * How long what was written may stay unseen. AWS names no number:
 * docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html ("eventual consistency")
 */
const unseenMs = 20_000;
/** A version that nobody here has written gets this long to show its value before it counts as empty. */
const emptyMs = 1_500;
/** The lost label was on one of the latest: every rotation gives the role of the values before another password. */
const mostUnlabelled = 6;
const firstPauseMs = 100;
const tries = 6;

export function storeOf(api: SecretsApi, name: string, { pace = 1 }: StorePace = {}): CredentialStore {
  const secret = new LabelledSecret(api, name, pace);
  return {
    title: `secret ${name}`,
    read: () => secret.read(),
    putPending: (token, login) => secret.putPending(token, login),
    promote: (to, from) => secret.promote(to, from),
    clearPending: (version) => secret.clearPending(version),
    unlabelled: () => secret.unlabelled(),
  };
}

type Labels = ReadonlyMap<string, string>;

class LabelledSecret {
  readonly #api: SecretsApi;
  readonly #name: string;
  readonly #pace: number;
  /** A version never changes its value. */
  readonly #values = new Map<string, SecretVersion>();
  /** Versions that were written here: one that looks empty is not to be seen yet. */
  readonly #written = new Set<string>();
  /** Versions that stayed without a value: they are not waited for again. */
  readonly #empty = new Set<string>();
  /** How the labels stood before the last change from here: seeing that again means to see the past. */
  #past: { readonly labels: string; readonly until: number } | undefined;

  constructor(api: SecretsApi, name: string, pace: number) {
    this.#api = api;
    this.#name = name;
    this.#pace = pace;
  }

  async read(): Promise<StoreSeen> {
    const labels = await this.#presentLabels();
    const currentId = labels.get('AWSCURRENT');
    const pendingId = labels.get('AWSPENDING');
    const previousId = labels.get('AWSPREVIOUS');
    const pendingIsCurrent = pendingId !== undefined && pendingId === currentId;
    const [current, pending, previous] = await Promise.all([
      this.#login('AWSCURRENT', currentId),
      pendingIsCurrent ? undefined : this.#login('AWSPENDING', pendingId),
      // What somebody left there in another form concerns nobody.
      this.#login('AWSPREVIOUS', previousId).catch(ignoreBad),
    ]);
    return {
      ...(current !== undefined && { current }),
      ...(pending !== undefined && { pending }),
      ...(previous !== undefined && { previous }),
      ...(pendingId !== undefined && !pendingIsCurrent && !pending && { emptyPending: pendingId }),
      pendingIsCurrent,
    };
  }

  async putPending(token: string, login: StoredLogin): Promise<void> {
    const labels = await this.#labels();
    const currentId = labels.get('AWSCURRENT');
    const model = currentId === undefined ? undefined : await this.#value(currentId);
    const text = writeStored(model?.text, login);
    await this.#change(
      labels,
      () => this.#api.putPending(token, text),
      async () => (await this.#find(token)) !== undefined,
    );
    this.#written.add(token);
    // The label was there before: what is shown now is no past.
    if (labels.get('AWSPENDING') === token) this.#past = undefined;
  }

  async promote(to: string, from: string): Promise<void> {
    const labels = await this.#labels();
    const isDone = async () => (await this.#labels()).get('AWSCURRENT') === to;
    if (labels.get('AWSCURRENT') === to) return;
    await this.#change(labels, () => this.#api.move('AWSCURRENT', to, from), isDone);
  }

  async clearPending(version: string): Promise<void> {
    const labels = await this.#labels();
    const isDone = async () => (await this.#labels()).get('AWSPENDING') !== version;
    if (labels.get('AWSPENDING') !== version) return;
    await this.#change(labels, () => this.#api.move('AWSPENDING', undefined, version), isDone);
  }

  /** Values that were read by their version ids; why not, where the caller may not. */
  async unlabelled(): Promise<readonly ReadVersion[] | string> {
    try {
      const versions = (await this.#api.unlabelled()).slice(0, mostUnlabelled);
      const logins = await Promise.all(versions.map((version) => this.#unlabelledLogin(version)));
      return logins.filter((login) => login !== undefined);
    } catch (error) {
      const explained = this.#explain(error);
      if (!(explained instanceof UserError) || explained.exit === exitCodes.temporary) throw explained;
      return explained.message;
    }
  }

  /** Undefined: it has no value, is deleted by now, or is no login. */
  async #unlabelledLogin(versionId: string): Promise<ReadVersion | undefined> {
    const value = await this.#find(versionId);
    const login = value?.text && parseStored(value.text);
    if (value === undefined || login === undefined) return undefined;
    const { createdAt } = value;
    return { versionId, login, ...(createdAt !== undefined && { createdAt }) };
  }

  /** Once, or again where AWS did not do it; after an error it looks before it asks again. */
  async #change(before: Labels, effect: () => Promise<void>, isDone: () => Promise<boolean>): Promise<void> {
    for (let left = tries; ; left--) {
      try {
        await effect();
        break;
      } catch (error) {
        const verdict = judgeAwsError(error);
        // The token has a value already: whatever it is, it stays.
        if (verdict === 'exists') return;
        if (await isDone()) break;
        if (verdict === 'fatal' || verdict === 'gone' || left <= 1) throw this.#explain(error);
      }
      await this.#pause(tries - left);
    }
    this.#past = { labels: textOf(before), until: Date.now() + unseenMs * this.#pace };
  }

  /** Not those from before the last change from here, unless they stay. */
  async #presentLabels(): Promise<Labels> {
    for (let turn = 0; ; turn++) {
      const labels = await this.#labels();
      const past = this.#past;
      if (past === undefined || textOf(labels) !== past.labels || Date.now() > past.until) return labels;
      await this.#pause(turn);
    }
  }

  async #labels(): Promise<Labels> {
    try {
      const { versions } = await this.#api.describe();
      return new Map(
        Object.entries(versions).flatMap(([version, labels]) =>
          labels.map((label): [string, string] => [label, version]),
        ),
      );
    } catch (error) {
      throw this.#explain(error);
    }
  }

  async #login(label: string, versionId: string | undefined): Promise<ReadVersion | undefined> {
    const value = versionId === undefined ? undefined : await this.#value(versionId);
    if (versionId === undefined || value === undefined) return undefined;
    const login = value.text === undefined ? undefined : parseStored(value.text);
    if (login === undefined) throw badSecret(this.#name, label, versionId);
    const { createdAt } = value;
    return { versionId, login, ...(createdAt !== undefined && { createdAt }) };
  }

  /** Undefined: it has none, as RotateSecret leaves it. */
  async #value(versionId: string): Promise<SecretVersion | undefined> {
    const written = this.#written.has(versionId);
    const until = Date.now() + (written ? unseenMs : emptyMs) * this.#pace;
    for (let turn = 0; ; turn++) {
      const value = await this.#find(versionId);
      if (value !== undefined) return value;
      if (Date.now() > until || this.#empty.has(versionId)) break;
      await this.#pause(turn);
    }
    if (!written) {
      this.#empty.add(versionId);
      return undefined;
    }
    throw new UserError('STORE_LAGS', `secret ${this.#name} does not show version ${versionId} yet`, {
      exit: exitCodes.temporary,
      suggestions: ['lambdapg rotate-creds --resume, in a minute'],
    });
  }

  async #find(versionId: string): Promise<SecretVersion | undefined> {
    const known = this.#values.get(versionId);
    if (known !== undefined) return known;
    try {
      const value = await this.#api.get(versionId);
      this.#values.set(versionId, value);
      return value;
    } catch (error) {
      if (isGone(error)) return undefined;
      throw this.#explain(error);
    }
  }

  #pause(turn: number): Promise<void> {
    return sleep(Math.min(2_000, firstPauseMs * 2 ** turn) * this.#pace);
  }

  #explain(error: unknown): unknown {
    return explainAwsError(error, `secret ${this.#name}`);
  }
}

const textOf = (labels: Labels): string => JSON.stringify([...labels].sort());

function ignoreBad(error: unknown): undefined {
  if (error instanceof UserError && error.code === 'BAD_SECRET') return undefined;
  throw error;
}

function badSecret(name: string, label: string, versionId: string): UserError {
  const clear = `aws secretsmanager update-secret-version-stage --secret-id ${name} --version-stage AWSPENDING --remove-from-version-id ${versionId}`;
  return new UserError(
    'BAD_SECRET',
    `the ${label} value of secret ${name} is no login: neither JSON with username and password nor a URL of PostgreSQL`,
    {
      suggestions: [
        '{"username": "…", "password": "…"}, or postgres://user:password@host:5432/database',
        ...(label === 'AWSPENDING' ? [clear] : []),
      ],
    },
  );
}
