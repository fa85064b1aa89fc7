import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DBProxy } from '@aws-sdk/client-rds';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { slotNames } from '../../../../database/roles.ts';
import { UserError } from '../../../../errors.ts';
import type { StoredLogin } from '../../../../rotation/observation.ts';
import type { SlotStore } from '../../../../rotation/parts.ts';
import { Secret } from '../../../../secret.ts';
import type { Aws } from '../../clients.ts';
import { explainAwsError } from '../../explain.ts';
import { judgeAwsError, unlessGone } from '../../judge.ts';
import { secretNameOf, slotSecret } from '../../steps/secrets.ts';
import type { World } from '../../steps/world.ts';
import { parseStored, writeStored } from './store-text.ts';

/**
 * The secrets that the stage's proxy reads, one for each slot.
 *
 * @throws UserError SLOT_NOT_REGISTERED: the proxy does not know one of them
 */
export async function slotStores({ aws, stage }: World, proxy: DBProxy): Promise<readonly SlotStore[]> {
  const names = slotNames.map((slot) => secretNameOf(stage, slotSecret(slot)));
  verifyRegistered(proxy, names, stage.config.engine !== 'none');
  return slotNames.map((slot, index) => slotStore(aws, names[index] ?? '', `${stage.snake}_${slot}`));
}

/** `Auth` has ARNs, which are the name and six random characters. */
function verifyRegistered(
  { DBProxyName, Auth = [] }: DBProxy,
  names: readonly string[],
  hasEngine: boolean,
): void {
  const isKnown = (name: string) =>
    Auth.some(({ SecretArn = '' }) => /:secret:(.+)-[^-]{6}$/.exec(SecretArn)?.[1] === name);
  const missing = names.filter((name) => !isKnown(name));
  if (missing.length === 0) return;
  throw new UserError(
    'SLOT_NOT_REGISTERED',
    `RDS Proxy ${DBProxyName} does not read secret ${missing.join(' and ')}: it would refuse the login of that slot`,
    {
      suggestions: [
        hasEngine
          ? 'add it to the Auth of the proxy in the files of the engine, and to the role of the proxy; then lambdapg deploy'
          : 'lambdapg provision makes both secrets; a proxy that was made without them has to be made anew',
        'RDS Proxy takes one secret for each login name: docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-secrets-arns.html',
      ],
    },
  );
}

const tries = 6;
const firstPauseMs = 100;
/** How long a former value may still be shown after a new one was written. */
const unseenMs = 20_000;

interface Value {
  readonly versionId: string;
  readonly text: Secret;
}

export function slotStore(aws: Aws, name: string, user: string, pace = 1): SlotStore {
  const title = `secret ${name}`;
  let past: { readonly versionId: string | undefined; readonly until: number } | undefined;
  const pause = (turn: number) => sleep(Math.min(2_000, firstPauseMs * 2 ** turn) * pace);
  const readNow = async (): Promise<Value | undefined> => {
    for (let turn = 0; ; turn++) {
      const value = await readValue(aws, name);
      if (past === undefined || value?.versionId !== past.versionId || Date.now() > past.until) return value;
      await pause(turn);
    }
  };
  return {
    ...{ title, user },
    async read() {
      const value = await readNow();
      return value && parseStored(value.text);
    },
    async put(login) {
      const before = await readNow();
      if (before !== undefined && isSame(parseStored(before.text), login)) return;
      const text = writeStored(before?.text, login);
      const token = randomUUID();
      for (let turn = 0; ; turn++) {
        try {
          await putValue(aws, name, token, text);
          break;
        } catch (error) {
          const verdict = judgeAwsError(error);
          if (verdict === 'exists') break;
          // The token makes asking again harmless.
          if (verdict === 'fatal' || verdict === 'gone' || turn >= tries) throw explainAwsError(error, title);
          await pause(turn);
        }
      }
      past = { versionId: before?.versionId, until: Date.now() + unseenMs * pace };
    },
  };
}

const isSame = (have: StoredLogin | undefined, want: StoredLogin): boolean =>
  have?.user === want.user && have.password.reveal() === want.password.reveal();

/** What the proxy reads; undefined while the container is empty. */
async function readValue(aws: Aws, name: string): Promise<Value | undefined> {
  try {
    const input = { SecretId: name, VersionStage: 'AWSCURRENT' };
    const answer = await unlessGone(aws.read.secrets.send(new GetSecretValueCommand(input)));
    if (answer?.SecretString === undefined) return undefined;
    return { versionId: answer.VersionId ?? '', text: new Secret(answer.SecretString) };
  } catch (error) {
    throw explainAwsError(error, `secret ${name}`);
  }
}

async function putValue(aws: Aws, SecretId: string, ClientRequestToken: string, text: Secret): Promise<void> {
  await aws.write.secrets.send(
    new PutSecretValueCommand({
      ...{ SecretId, ClientRequestToken },
      SecretString: text.reveal(),
      VersionStages: ['AWSCURRENT'],
    }),
  );
}
