import { randomBytes } from 'node:crypto';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  RestoreSecretCommand,
  type SecretListEntry,
} from '@aws-sdk/client-secrets-manager';
import { Secret } from '../../../secret.ts';
import type { Aws } from '../clients.ts';
import { isOurs, notOurs, type Stage, tagsOf } from '../stage.ts';
import { absent, difference } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

export interface SecretHave {
  readonly arn: string;
}

/** A login and its password, as Secrets Manager keeps them. */
export interface Login {
  readonly username: string;
  readonly password: Secret;
}

export const secretNameOf = (stage: Stage, resource: string): string => `${stage.prefix}/${resource}`;

/**
 * What the functions read (`active`), and behind a proxy one secret for each slot, because a proxy knows one secret per
 * login. Rotation moves `active` from slot to slot.
 */
export function loginSecrets(world: World): {
  active: AwsStep<SecretHave>;
  slots: readonly AwsStep<SecretHave>[];
} {
  const { snake, cloud } = world.stage;
  if (cloud.proxy === false) {
    return { active: secretStep(world, 'active', [], () => newLogin(`${snake}_a`)), slots: [] };
  }
  const a = secretStep(world, 'slot-a', [], () => newLogin(`${snake}_a`));
  const b = secretStep(world, 'slot-b', [], () => newLogin(`${snake}_b`));
  const active = secretStep(world, 'active', [a], () =>
    readLogin(world.aws, secretNameOf(world.stage, 'slot-a')),
  );
  return { active, slots: [a, b] };
}

/** 256 bits in an alphabet that URLs, RDS and every driver take as it is. */
async function newLogin(username: string): Promise<Login> {
  return { username, password: new Secret(randomBytes(32).toString('base64url')) };
}

/** @param id name or ARN */
export async function readLogin(aws: Aws, id: string): Promise<Login> {
  const { SecretString = '{}' } = await aws.read.secrets.send(
    new GetSecretValueCommand({ SecretId: id, VersionStage: 'AWSCURRENT' }),
  );
  const { username, password } = JSON.parse(SecretString) as { username?: string; password?: string };
  if (username === undefined || password === undefined)
    throw new Error(`secret ${id} holds no username and password`);
  return { username, password: new Secret(password) };
}

function secretStep(
  { aws, stage, removal }: World,
  resource: string,
  needs: readonly AwsStep<SecretHave>[],
  makeLogin: () => Promise<Login>,
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
      const { username, password } = await makeLogin();
      await aws.write.secrets.send(
        new CreateSecretCommand({
          Name: name,
          Description: `lambdapg: login of ${stage.prefix} (${resource})`,
          SecretString: JSON.stringify({ username, password: password.reveal(), engine: 'postgres' }),
          Tags: tagsOf(stage, resource),
        }),
      );
    },
    async update({ arn }) {
      await aws.write.secrets.send(new RestoreSecretCommand({ SecretId: arn }));
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
