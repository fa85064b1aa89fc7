import { randomUUID } from 'node:crypto';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { SecretConsumerConfig } from '../../../../project/rotation-schema.ts';
import type { Consumer, StoreSeen } from '../../../../rotation/parts.ts';
import { Secret } from '../../../../secret.ts';
import { explainAwsError } from '../../explain.ts';
import { defaultCacheSeconds } from './following-consumer.ts';
import { type ConsumerWorld, unreachable } from './function-consumer.ts';
import { copyIn, copyOf, noInvocation } from './parameter-copy-text.ts';

/** A copy of the login in another secret. */
export function secretCopy(
  { aws }: ConsumerWorld,
  { secret: SecretId, form, cacheSeconds = defaultCacheSeconds }: SecretConsumerConfig,
): Consumer {
  const id = `secret ${SecretId}`;
  let known: StoreSeen = { pendingIsCurrent: false };
  const get = async (): Promise<Secret> => {
    const { SecretString } = await aws.read.secrets.send(new GetSecretValueCommand({ SecretId }));
    return new Secret(SecretString ?? '');
  };
  return {
    id,
    async read(seen) {
      known = seen;
      const copy = { kind: 'holds', takesNext: false, staged: false, drainMs: cacheSeconds * 1_000 } as const;
      try {
        return { ...copy, holds: copyIn(await get(), form, known), state: 'ready' };
      } catch (error) {
        return { ...copy, holds: undefined, ...unreachable(error, id) };
      }
    },
    async shift(to, percent) {
      if (percent === 0) return;
      try {
        const text = copyOf(await get(), form, to.login, known, id);
        // Never a token of before: with one, Secrets Manager would leave AWSCURRENT where it is.
        const ClientRequestToken = randomUUID();
        await aws.write.secrets.send(
          new PutSecretValueCommand({ SecretId, SecretString: text.reveal(), ClientRequestToken }),
        );
      } catch (error) {
        throw explainAwsError(error, id);
      }
    },
    unproved: noInvocation,
  };
}
