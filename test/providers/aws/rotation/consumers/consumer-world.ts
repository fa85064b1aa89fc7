import { configSchema } from '../../../../../src/project/config-schema.ts';
import { parseProjectName } from '../../../../../src/project/names.ts';
import type { Aws } from '../../../../../src/providers/aws/clients.ts';
import type { ConsumerWorld } from '../../../../../src/providers/aws/rotation/consumers/function-consumer.ts';
import { parseStage } from '../../../../../src/providers/aws/stage.ts';
import type { ReadVersion, StoreSeen } from '../../../../../src/rotation/parts.ts';
import { Secret } from '../../../../../src/secret.ts';
import { testContext } from '../../../../rotation/test-run.ts';

export const secretArn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-dev/active-AbCdEf';

export const versionOf = (user: string, password: string, id = user): ReadVersion => ({
  versionId: `00000000-0000-4000-8000-${id.padStart(12, '0')}`,
  login: { user, password: new Secret(password) },
});

export const [old, fresh] = [versionOf('shop_a', 'old-password'), versionOf('shop_b', 'new/p@ssword')];

/** The labels of a rotation: before it is promoted, and after. */
export const prepared: StoreSeen = { current: old, pending: fresh, pendingIsCurrent: false };
export const promoted: StoreSeen = { current: fresh, previous: old, pendingIsCurrent: true };

export type Input = Record<string, unknown>;

/** A stage with what `lambdapg.json` says of consumers and functions. */
export function consumerWorld(aws: Aws, listed: readonly Input[], functions: Input): ConsumerWorld {
  const config = configSchema.parse({
    ...{ name: 'shop', template: 'api-node', language: 'node', runtime: 'nodejs24.x' },
    ...{ functions, cloud: { rotation: { consumers: listed } } },
  });
  const project = { dir: '/', config, names: parseProjectName('shop') };
  return { aws, context: testContext(), stage: parseStage(project, 'dev', false) };
}
