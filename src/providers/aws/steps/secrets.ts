import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  type SecretListEntry,
} from '@aws-sdk/client-secrets-manager';
import { parseObject } from '../../../../templates/runtime-node/lambdapg-runtime/credential-text.ts';
import { type SlotName, slotNames } from '../../../database/roles.ts';
import { UserError } from '../../../errors.ts';
import { Secret } from '../../../secret.ts';
import type { Aws } from '../clients.ts';
import { isOurs, notOurs, type Stage, tagsOf } from '../stage.ts';
import { type Login, newLogin, secretText } from './login.ts';
import { absent, difference } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

export interface SecretHave {
  readonly arn: string;
}

export const secretNameOf = (stage: Stage, resource: string): string => `${stage.prefix}/${resource}`;

/**
 * What the functions read (`active`), and behind a proxy one secret for each slot, because a proxy knows one secret per
 * login. Rotation moves `active` from slot to slot. The slot that `active` names has the password of `active`, also when the
 * proxy came later.
 */
export function loginSecrets(world: World): {
  active: AwsStep<SecretHave>;
  slots: readonly AwsStep<SecretHave>[];
} {
  const { snake, cloud } = world.stage;
  const active = secretStep(world, 'active', { needs: [], makeLogin: async () => newLogin(`${snake}_a`) });
  if (cloud.proxy === false) return { active, slots: [] };
  const slots = slotNames.map((slot) => {
    const username = `${snake}_${slot}`;
    const findActive = async () => {
      const login = await readLogin(world.aws, secretNameOf(world.stage, 'active'));
      return login.username === username ? login : undefined;
    };
    return secretStep(world, slotSecret(slot), {
      needs: [active],
      makeLogin: async () => (await findActive()) ?? newLogin(username),
      findActive,
    });
  });
  return { active, slots };
}

export const slotSecret = (slot: SlotName): string => `slot-${slot}`;

/**
 * @param id name or ARN
 * @throws UserError BAD_SECRET, which quotes nothing of what it holds
 */
export async function readLogin(aws: Aws, id: string): Promise<Login> {
  const { SecretString = '{}' } = await aws.read.secrets.send(
    new GetSecretValueCommand({ SecretId: id, VersionStage: 'AWSCURRENT' }),
  );
  const { username, password } = parseObject(SecretString);
  if (typeof username !== 'string' || typeof password !== 'string')
    throw new UserError('BAD_SECRET', `secret ${id} is no JSON with username and password`, {
      suggestions: ['{"username": "…", "password": "…"}, as RDS and its proxies write it'],
    });
  return { username, password: new Secret(password) };
}

interface SecretParts {
  readonly needs: readonly AwsStep<SecretHave>[];
  readonly makeLogin: () => Promise<Login>;
  /** What `active` has for this login: a secret that comes back from deletion may hold a former password. */
  readonly findActive?: () => Promise<Login | undefined>;
}

function secretStep(
  { aws, stage, removal }: World,
  resource: string,
  { needs, makeLogin, findActive }: SecretParts,
): AwsStep<SecretHave> {
  const name = secretNameOf(stage, resource);
  return {
    id: `secret-${resource}`,
    title: `secret ${name}`,
    needs,
    async find(look) {
      const entry = (await look.secrets()).find(({ Name }) => Name === name);
      if (entry?.ARN === undefined) return absent;
      if (!isOurs(stage, entry.Tags)) return { state: 'foreign', why: whyForeign(name, entry) };
      const have = { arn: entry.ARN };
      if (entry.DeletedDate === undefined) return { state: 'ready', have };
      if (removal !== undefined) return absent;
      const deleted = `deleted on ${entry.DeletedDate.toISOString().slice(0, 10)}, to be restored`;
      return { state: 'drifted', have, differences: [difference('DeletedDate', deleted, 'none', true)] };
    },
    async create() {
      await aws.write.secrets.send(
        new CreateSecretCommand({
          Name: name,
          Description: `lambdapg: login of ${stage.prefix} (${resource})`,
          SecretString: secretText(await makeLogin()),
          Tags: tagsOf(stage, resource),
        }),
      );
    },
    async update({ arn }) {
      await aws.write.secrets.send(new RestoreSecretCommand({ SecretId: arn }));
      const login = await findActive?.();
      if (login === undefined) return;
      await aws.write.secrets.send(
        new PutSecretValueCommand({ SecretId: arn, SecretString: secretText(login) }),
      );
    },
    async remove({ arn }) {
      const recovery =
        removal?.keepSecretsDays === 0
          ? { ForceDeleteWithoutRecovery: true }
          : { RecoveryWindowInDays: removal?.keepSecretsDays ?? 7 };
      await aws.write.secrets.send(new DeleteSecretCommand({ SecretId: arn, ...recovery }));
    },
  };
}

function whyForeign(name: string, { DeletedDate }: SecretListEntry): string {
  if (DeletedDate === undefined) return notOurs(name);
  return `${name} is pending deletion and not this project's: restore it or wait until it is gone`;
}
