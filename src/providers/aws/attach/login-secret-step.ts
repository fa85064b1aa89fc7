import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { tagValue } from '../stage.ts';
import type { Login } from '../steps/login.ts';
import { readLogin, type SecretHave } from '../steps/secrets.ts';
import { absent, difference } from '../steps/tagged.ts';
import { attachFunctionTag, ownSecretName } from './attach-names.ts';
import type { AttachStep, AttachWorld } from './attach-world.ts';

/** User and password of a database URL, for one function. @param login absent while it is taken away */
export function loginSecretStep(
  { aws }: AttachWorld,
  functionName: string,
  needs: readonly AttachStep<unknown>[],
  login?: Login,
): AttachStep<SecretHave> {
  const name = ownSecretName(functionName);
  const { secrets } = aws.write;
  const textOf = ({ username, password }: Login): string =>
    JSON.stringify({ username, password: password.reveal(), engine: 'postgres' });
  return {
    id: `secret:${functionName}`,
    title: `secret ${name}`,
    needs,
    async find(look) {
      const found = await look.secret(name);
      if (found?.ARN === undefined) return absent;
      if (tagValue(found.Tags, attachFunctionTag) !== functionName)
        return { state: 'foreign', why: `${name} exists and was not made by lambdapg` };
      const have = { arn: found.ARN };
      if (found.DeletedDate !== undefined) {
        if (login === undefined) return absent;
        const differences = [difference('DeletedDate', 'to be deleted', 'none', true)];
        return { state: 'drifted', have, differences };
      }
      if (login === undefined || (await holds(aws, have.arn, login))) return { state: 'ready', have };
      return {
        state: 'drifted',
        have,
        differences: [difference('SecretString', 'another login', 'the one of the URL', true)],
      };
    },
    async create() {
      if (login === undefined) return;
      await secrets.send(
        new CreateSecretCommand({
          Name: name,
          Description: `lambdapg: login of function ${functionName}`,
          SecretString: textOf(login),
          Tags: [{ Key: attachFunctionTag, Value: functionName }],
        }),
      );
    },
    async update({ arn }, _haves, differences) {
      if (login === undefined) return;
      if (differences.some(({ property }) => property === 'DeletedDate')) {
        await secrets.send(new RestoreSecretCommand({ SecretId: arn }));
      } else {
        await secrets.send(new PutSecretValueCommand({ SecretId: arn, SecretString: textOf(login) }));
      }
    },
    // A copy of what the URL says: nothing is lost with it.
    async remove({ arn }) {
      await secrets.send(new DeleteSecretCommand({ SecretId: arn, ForceDeleteWithoutRecovery: true }));
    },
  };
}

async function holds(aws: AttachWorld['aws'], arn: string, login: Login): Promise<boolean> {
  const { username, password } = await readLogin(aws, arn);
  return username === login.username && password.reveal() === login.password.reveal();
}
