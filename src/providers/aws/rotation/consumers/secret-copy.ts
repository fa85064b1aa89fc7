import { randomUUID } from 'node:crypto';
import {
  DescribeSecretCommand,
  type DescribeSecretResponse,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { UserError } from '../../../../errors.ts';
import type { SecretConsumerConfig } from '../../../../project/rotation-schema.ts';
import type { Consumer } from '../../../../rotation/parts.ts';
import { Secret } from '../../../../secret.ts';
import { copyConsumer } from './copy-consumer.ts';
import type { ConsumerWorld } from './function-consumer.ts';

/** A copy of the login in another secret. */
export function secretCopy({ aws }: ConsumerWorld, config: SecretConsumerConfig): Consumer {
  const { secret: SecretId } = config;
  const get = async () => {
    const { SecretString, VersionId } = await aws.read.secrets.send(new GetSecretValueCommand({ SecretId }));
    return { text: new Secret(SecretString ?? ''), version: VersionId };
  };
  const place = {
    id: `secret ${SecretId}`,
    get: async () => (await get()).text,
    async change(copyWith: (present: Secret) => Secret) {
      const { text, version } = await get();
      // Never a token of before: with one, Secrets Manager would leave AWSCURRENT where it is.
      const ClientRequestToken = randomUUID();
      const SecretString = copyWith(text).reveal();
      await aws.write.secrets.send(new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken }));
      const { VersionIdsToStages = {} } = await aws.read.secrets
        .send(new DescribeSecretCommand({ SecretId }))
        // The copy is written: whoever may not see its labels is told nothing of others' changes.
        .catch((): DescribeSecretResponse => ({}));
      const previous = Object.keys(VersionIdsToStages).find((id) =>
        VersionIdsToStages[id]?.includes('AWSPREVIOUS'),
      );
      // What DescribeSecret shows from before this change says nothing.
      const isShown = VersionIdsToStages[ClientRequestToken]?.includes('AWSCURRENT');
      if (isShown && previous !== undefined && previous !== version) throw overwritten(SecretId, previous);
    },
  };
  return copyConsumer(place, config);
}

/** PutSecretValue has no condition: that another change was lost is seen afterwards. */
const overwritten = (name: string, version: string): UserError =>
  new UserError(
    'CHANGED_MEANWHILE',
    `secret ${name} was changed by somebody else at the same moment: it holds the login, and not what they wrote`,
    {
      suggestions: [
        `aws secretsmanager get-secret-value --secret-id ${name} --version-id ${version} shows what they wrote`,
      ],
    },
  );
