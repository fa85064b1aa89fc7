import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { askAws } from '../../../../../templates/runtime-node/lambdapg-runtime/aws-call.ts';
import type { Environment } from '../../../../../templates/runtime-node/lambdapg-runtime/aws-signature.ts';
import { parseObject } from '../../../../../templates/runtime-node/lambdapg-runtime/credential-text.ts';
import { UserError } from '../../../../errors.ts';
import type { SlotStore, StoredLogin } from '../../../../rotation/parts.ts';
import { Secret } from '../../../../secret.ts';
import { isGone, judgeAwsError } from '../../judge.ts';
import { type SecretsApi, unlabelledOf } from '../store/store-api.ts';
import { parseStored, writeStored } from '../store/store-text.ts';

/*
 * Secrets Manager for the rotation function: by the functions' connection runtime, without an SDK.
 */

export interface DescribedSecret {
  readonly rotationEnabled: boolean;
  readonly versions: Readonly<Record<string, readonly string[]>>;
  /** When Secrets Manager last saw a rotation of this secret end well. Milliseconds since 1970. */
  readonly lastRotatedAt?: number;
}

interface VersionEntry {
  readonly VersionId: string;
  readonly VersionStages?: readonly string[];
  readonly CreatedDate?: number;
}

export interface FunctionSecret extends SecretsApi {
  describe(): Promise<DescribedSecret>;
}

/** @param rotationToken of the event: who writes AWSPENDING proves by it that Secrets Manager has called */
export function functionSecret(env: Environment, arn: string, rotationToken?: string): FunctionSecret {
  const call = (action: string, input: object) => callSecrets(env, arn, action, input);
  return {
    async describe() {
      const { RotationEnabled, VersionIdsToStages = {}, LastRotatedDate } = await call('DescribeSecret', {});
      return {
        rotationEnabled: RotationEnabled === true,
        versions: VersionIdsToStages as DescribedSecret['versions'],
        ...(typeof LastRotatedDate === 'number' && { lastRotatedAt: LastRotatedDate * 1000 }),
      };
    },
    async get(VersionId) {
      const { SecretString, CreatedDate } = await call('GetSecretValue', { VersionId });
      return {
        text: typeof SecretString === 'string' ? new Secret(SecretString) : undefined,
        ...(typeof CreatedDate === 'number' && { createdAt: CreatedDate * 1000 }),
      };
    },
    async unlabelled() {
      // AWS keeps some hundred versions at the most, and shows as many at once.
      const { Versions } = await call('ListSecretVersionIds', { IncludeDeprecated: true, MaxResults: 100 });
      const versions = Array.isArray(Versions) ? (Versions as readonly VersionEntry[]) : [];
      return unlabelledOf(
        versions.map(({ VersionId, VersionStages = [], CreatedDate = 0 }) => ({
          ...{ id: VersionId, labels: VersionStages, createdAt: CreatedDate },
        })),
      );
    },
    async putPending(ClientRequestToken, text) {
      await call('PutSecretValue', {
        ClientRequestToken,
        SecretString: text.reveal(),
        VersionStages: ['AWSPENDING'],
        ...(rotationToken !== undefined && { RotationToken: rotationToken }),
      });
    },
    async move(VersionStage, to, RemoveFromVersionId) {
      const target = to === undefined ? {} : { MoveToVersionId: to };
      await call('UpdateSecretVersionStage', { VersionStage, RemoveFromVersionId, ...target });
    },
  };
}

const tries = 6;
const firstPauseMs = 200;
/** How long a former value may still be shown after a new one was written. */
const unseenMs = 20_000;

/** Behind RDS Proxy: the secret of one slot. */
export function functionSlotStore(env: Environment, arn: string, user: string): SlotStore {
  const read = async (): Promise<Secret | undefined> => {
    try {
      const { SecretString } = await persist(() =>
        callSecrets(env, arn, 'GetSecretValue', { VersionStage: 'AWSCURRENT' }),
      );
      return typeof SecretString === 'string' ? new Secret(SecretString) : undefined;
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  };
  const isSame = (text: Secret | undefined, login: StoredLogin): boolean => {
    const have = text === undefined ? undefined : parseStored(text);
    return have?.user === login.user && have.password.reveal() === login.password.reveal();
  };
  return {
    ...{ title: `secret ${arn}`, user },
    async read() {
      const text = await read();
      return text === undefined ? undefined : parseStored(text);
    },
    async put(login) {
      const before = await read();
      if (isSame(before, login)) return;
      const SecretString = writeStored(before, login).reveal();
      // The token makes asking again harmless.
      const input = { ClientRequestToken: randomUUID(), SecretString, VersionStages: ['AWSCURRENT'] };
      await persist(() => callSecrets(env, arn, 'PutSecretValue', input));
      const until = Date.now() + unseenMs;
      while (!isSame(await read(), login) && Date.now() < until) await sleep(firstPauseMs);
    },
  };
}

/** What a master secret of RDS holds. @throws UserError SECRET_UNREADABLE */
export async function readAdminLogin(env: Environment, arn: string): Promise<StoredLogin> {
  const { SecretString } = await persist(() =>
    callSecrets(env, arn, 'GetSecretValue', { VersionStage: 'AWSCURRENT' }),
  );
  const login = typeof SecretString === 'string' ? parseStored(new Secret(SecretString)) : undefined;
  if (login !== undefined) return login;
  throw new UserError(
    'SECRET_UNREADABLE',
    `secret ${arn} of the admin is no JSON with username and password`,
  );
}

async function persist<T>(work: () => Promise<T>): Promise<T> {
  for (let turn = 1; ; turn += 1) {
    try {
      return await work();
    } catch (error) {
      const verdict = judgeAwsError(error);
      if ((verdict !== 'again' && verdict !== 'lost') || turn >= tries) throw error;
    }
    await sleep(firstPauseMs * 2 ** turn * (0.5 + Math.random() / 2));
  }
}

/** @throws Error with the service's code as its name, as the SDK's are */
async function callSecrets(
  env: Environment,
  arn: string,
  action: string,
  input: object,
): Promise<Readonly<Record<string, unknown>>> {
  const [, , , region = ''] = arn.split(':');
  const request = {
    ...({ service: 'secretsmanager', region } as const),
    ...{ target: `secretsmanager.${action}`, input: { SecretId: arn, ...input } },
  };
  const { status, text, host } = await askAws(env, request);
  const body = parseObject(text);
  if (status === 200) return body;
  const name = status === 0 ? 'NetworkingError' : String(body.__type ?? 'Error').replace(/^.*#/, '');
  const said = status === 0 ? `${host} cannot be reached (${text})` : `${body.message ?? body.Message ?? ''}`;
  throw Object.assign(new Error(`${action} of ${arn}: ${said}`), {
    ...{ name, $metadata: { httpStatusCode: status } },
  });
}
