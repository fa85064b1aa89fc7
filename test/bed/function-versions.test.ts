import { describe } from 'vitest';
import { type Aws, differs, makeFunction } from './differs.ts';

describe('Lambda', () => {
  const publish = async (aws: Aws, Timeout: number) => {
    await aws('lambda', 'UpdateFunctionConfiguration', { FunctionName: 'f', Timeout });
    await aws('lambda', 'GetFunctionConfiguration', { FunctionName: 'f' });
    await aws('lambda', 'GetFunctionConfiguration', { FunctionName: 'f' });
    return (await aws('lambda', 'PublishVersion', { FunctionName: 'f' })).Version;
  };
  const live = { FunctionName: 'f', Name: 'live' };
  const weigh = (version: string, weight: number) => ({
    RoutingConfig: { AdditionalVersionWeights: { [version]: weight } },
  });

  differs(
    'lambda-alias-revisions',
    'change, an old one is refused, and only another version gets a share',
    async (aws) => {
      await makeFunction(aws);
      await publish(aws, 5);
      await publish(aws, 6);
      const { RevisionId } = await aws('lambda', 'CreateAlias', { ...live, FunctionVersion: '1' });
      const update = (changes: object) => aws('lambda', 'UpdateAlias', { ...live, ...changes });
      const right = await update({ RevisionId, ...weigh('2', 0.05) });
      const wrong = await update({ RevisionId, FunctionVersion: '2' });
      const errors = [(await update(weigh('1', 0.5))).error, (await update(weigh('9', 0.5))).error];
      const { FunctionVersion, RoutingConfig } = await aws('lambda', 'GetAlias', live);
      return [right.RevisionId !== RevisionId, wrong.error, errors, FunctionVersion, RoutingConfig];
    },
    [
      true,
      'PreconditionFailedException',
      ['InvalidParameterValueException', 'ResourceNotFoundException'],
      '1',
      { AdditionalVersionWeights: { '2': 0.05 } },
    ],
  );

  differs(
    'lambda-provisioned-concurrency',
    'is made, is there, and is no friend of weights',
    async (aws) => {
      await makeFunction(aws);
      await publish(aws, 5);
      await publish(aws, 6);
      await aws('lambda', 'CreateAlias', { ...live, FunctionVersion: '1' });
      const at = (Qualifier: string) => ({ FunctionName: 'f', Qualifier });
      const get = (qualifier: string) => aws('lambda', 'GetProvisionedConcurrencyConfig', at(qualifier));
      const put = (qualifier: string) =>
        aws('lambda', 'PutProvisionedConcurrencyConfig', {
          ...at(qualifier),
          ProvisionedConcurrentExecutions: 2,
        });
      const seen = [(await get('1')).error, (await put('1')).Status, (await get('1')).Status];
      seen.push((await get('1')).Status);
      await aws('lambda', 'DeleteProvisionedConcurrencyConfig', at('1'));
      seen.push((await get('1')).error, (await put('$LATEST')).error, (await put('live')).error);
      seen.push((await aws('lambda', 'UpdateAlias', { ...live, ...weigh('2', 0.5) })).error);
      return seen;
    },
    [
      ...['ProvisionedConcurrencyConfigNotFoundException', 'IN_PROGRESS', 'IN_PROGRESS', 'READY'],
      ...['ProvisionedConcurrencyConfigNotFoundException', 'InvalidParameterValueException', undefined],
      'InvalidParameterValueException',
    ],
  );
});
