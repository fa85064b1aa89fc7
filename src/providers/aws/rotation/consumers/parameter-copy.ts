import {
  DescribeParametersCommand,
  GetParameterCommand,
  type Parameter,
  type ParameterMetadata,
  PutParameterCommand,
} from '@aws-sdk/client-ssm';
import { UserError } from '../../../../errors.ts';
import type { ParameterConsumerConfig } from '../../../../project/rotation-schema.ts';
import type { Consumer, StoreSeen } from '../../../../rotation/parts.ts';
import { Secret } from '../../../../secret.ts';
import { explainAwsError } from '../../explain.ts';
import { defaultCacheSeconds } from './following-consumer.ts';
import { type ConsumerWorld, unreachable } from './function-consumer.ts';
import { copyIn, copyOf, noInvocation } from './parameter-copy-text.ts';

/** A copy of the login in SSM Parameter Store, which keeps its type, key and tier. */
export function parameterCopy(
  { aws }: ConsumerWorld,
  { parameter: Name, form, cacheSeconds = defaultCacheSeconds }: ParameterConsumerConfig,
): Consumer {
  const id = `parameter ${Name}`;
  let known: StoreSeen = { pendingIsCurrent: false };
  const get = async (): Promise<Parameter> =>
    (await aws.read.ssm.send(new GetParameterCommand({ Name, WithDecryption: true }))).Parameter ?? {};
  /** Its key and tier, which GetParameter does not tell. */
  const describe = async (): Promise<ParameterMetadata> => {
    const ParameterFilters = [{ Key: 'Name', Option: 'Equals', Values: [Name] }];
    const { Parameters = [] } = await aws.read.ssm.send(new DescribeParametersCommand({ ParameterFilters }));
    return Parameters[0] ?? {};
  };
  return {
    id,
    async read(seen) {
      known = seen;
      const copy = { kind: 'holds', takesNext: false, staged: false, drainMs: cacheSeconds * 1_000 } as const;
      try {
        const { Value } = await get();
        const holds = Value === undefined ? undefined : copyIn(new Secret(Value), form, known);
        return { ...copy, holds, state: 'ready' };
      } catch (error) {
        return { ...copy, holds: undefined, ...unreachable(error, id) };
      }
    },
    async shift(to, percent) {
      if (percent === 0) return;
      try {
        const [{ Value, Type, DataType, Version = 0 }, { KeyId, Tier }] = await Promise.all([
          get(),
          describe(),
        ]);
        const text = copyOf(new Secret(Value ?? ''), form, to.login, known, id);
        const keeps = { Type, DataType, Tier, ...(Type === 'SecureString' && { KeyId }) };
        const written = await aws.write.ssm.send(
          new PutParameterCommand({ ...keeps, Name, Value: text.reveal(), Overwrite: true }),
        );
        if (written.Version !== Version + 1) throw overwritten(Name, Version + 1);
      } catch (error) {
        throw explainAwsError(error, id);
      }
    },
    async verify() {
      const { Type } = await get().catch((): Parameter => ({}));
      if (Type === undefined || Type === 'SecureString') return [];
      if (form === 'password' || Type === 'String')
        return [`${id} is a ${Type}: whoever may read it sees the password; a SecureString is encrypted`];
      throw new UserError('BAD_PARAMETER', `${id} is a ${Type}, which cannot hold a login`, {
        suggestions: ['make it a SecureString'],
      });
    },
    unproved: noInvocation,
  };
}

/** Parameter Store has no condition for a change: that another one was lost is seen afterwards. */
const overwritten = (name: string, version: number): UserError =>
  new UserError(
    'CHANGED_MEANWHILE',
    `parameter ${name} was changed by somebody else at the same moment: it holds the login, and not what they wrote`,
    { suggestions: [`aws ssm get-parameter-history --name ${name} shows their version ${version}`] },
  );
