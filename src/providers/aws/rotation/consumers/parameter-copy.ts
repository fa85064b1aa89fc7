import {
  DescribeParametersCommand,
  GetParameterCommand,
  type Parameter,
  type ParameterMetadata,
  PutParameterCommand,
} from '@aws-sdk/client-ssm';
import { UserError } from '../../../../errors.ts';
import type { ParameterConsumerConfig } from '../../../../project/rotation-schema.ts';
import type { Consumer } from '../../../../rotation/parts.ts';
import { Secret } from '../../../../secret.ts';
import { copyConsumer } from './copy-consumer.ts';
import type { ConsumerWorld } from './function-consumer.ts';

/** A copy of the login in SSM Parameter Store, which keeps its type, key and tier. */
export function parameterCopy({ aws }: ConsumerWorld, config: ParameterConsumerConfig): Consumer {
  const { parameter: Name, form } = config;
  const id = `parameter ${Name}`;
  const get = async (): Promise<Parameter> =>
    (await aws.read.ssm.send(new GetParameterCommand({ Name, WithDecryption: true }))).Parameter ?? {};
  /** Its key and tier, which GetParameter does not tell. */
  const describe = async (): Promise<ParameterMetadata> => {
    const ParameterFilters = [{ Key: 'Name', Option: 'Equals', Values: [Name] }];
    const { Parameters = [] } = await aws.read.ssm.send(new DescribeParametersCommand({ ParameterFilters }));
    return Parameters[0] ?? {};
  };
  const place = {
    id,
    async get() {
      const { Value } = await get();
      return Value === undefined ? undefined : new Secret(Value);
    },
    async change(copyWith: (present: Secret) => Secret) {
      const [present, { KeyId, Tier }] = await Promise.all([get(), describe()]);
      const { Type, DataType, Version = 0 } = present;
      const Value = copyWith(new Secret(present.Value ?? '')).reveal();
      const keeps = { Type, DataType, Tier, ...(Type === 'SecureString' && { KeyId }) };
      const written = await aws.write.ssm.send(
        new PutParameterCommand({ ...keeps, Name, Value, Overwrite: true }),
      );
      if (written.Version !== Version + 1) throw overwritten(Name, Version + 1);
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
  };
  return copyConsumer(place, config);
}

/** Parameter Store has no condition for a change: that another one was lost is seen afterwards. */
const overwritten = (name: string, version: number): UserError =>
  new UserError(
    'CHANGED_MEANWHILE',
    `parameter ${name} was changed by somebody else at the same moment: it holds the login, and not what they wrote`,
    { suggestions: [`aws ssm get-parameter-history --name ${name} shows their version ${version}`] },
  );
