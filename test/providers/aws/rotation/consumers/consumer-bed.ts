import { onTestFinished } from 'vitest';
import { openAws } from '../../../../../src/providers/aws/clients.ts';
import { consumersOf } from '../../../../../src/providers/aws/rotation/consumers/consumers.ts';
import type { ConsumerWorld } from '../../../../../src/providers/aws/rotation/consumers/function-consumer.ts';
import type { Consumer } from '../../../../../src/rotation/parts.ts';
import type { Secret } from '../../../../../src/secret.ts';
import { type Bed, startBed } from '../../../../bed/bed.ts';
import { emptyZip, trustLambda } from '../../../../bed/differs.ts';
import { consumerWorld, type Input, secretArn } from './consumer-world.ts';

export * from './consumer-world.ts';

export interface ConsumerBed {
  readonly bed: Bed;
  readonly world: ConsumerWorld;
  /** An operation of Lambda, as somebody else does it. @throws what AWS refuses */
  lambda<Output = Input>(action: string, input: Input): Promise<Output>;
  /** A function with version 1, and `live` on it. */
  makeFunction(name: string, variables: Readonly<Record<string, string>>, changes?: Input): Promise<void>;
  /** Variables of `$LATEST`, a version or an alias. */
  variables(name: string, qualifier?: string): Promise<Record<string, string>>;
  alias(name: string, alias?: string): Promise<{ version: string; weights: Record<string, number> }>;
  versions(name: string): Promise<string[]>;
  /** With what `lambdapg.json` says. */
  worldOf(listed: readonly Input[], functions: Input): ConsumerWorld;
  consumers(listed: readonly Input[], functions?: Input): Promise<Consumer[]>;
  /** The consumer of that id, anew: as the next run has it. */
  consumer(listed: Input, id: string): Promise<Consumer>;
  /** Calls that changed something. */
  changes(): Promise<string[]>;
}

/** AWS with functions that answer the connection module's probe from their own variables. */
export async function startConsumerBed(
  options: { readonly answer?: (variables: Record<string, string>) => Input; readonly bed?: Bed } = {},
): Promise<ConsumerBed> {
  const bed = options.bed ?? (await startBed({ pace: { default: 1 } }));
  if (options.bed === undefined) onTestFinished(() => bed.stop());
  Object.assign(process.env, bed.environment);
  const aws = await openAws({ region: bed.region });
  const lambda = <Output>(action: string, input: Input): Promise<Output> =>
    bed.aws<Output>({ service: 'lambda', action, input, plain: false });
  const role = await makeRole(bed);
  const settled = async (name: string): Promise<void> => {
    for (let turn = 0; turn < 3; turn++) await lambda('GetFunctionConfiguration', { FunctionName: name });
  };
  const variables: ConsumerBed['variables'] = async (name, qualifier = '$LATEST') => {
    const input = { FunctionName: name, Qualifier: qualifier };
    const found = await bed.aws<{ Environment?: { Variables: Record<string, string> } }>({
      ...{ service: 'lambda', action: 'GetFunctionConfiguration', input },
    });
    return found.Environment?.Variables ?? {};
  };
  const answer = options.answer ?? ((has) => ({ 'lambdapg:probe': 1, ok: true, user: has.PGUSER }));
  if (options.bed === undefined)
    await bed.hook({ instead: ['lambda:Invoke'] }, async ({ input }) => {
      const has = await variables(String(input.FunctionName), String(input.Qualifier));
      const Payload = Buffer.from(JSON.stringify(answer(has))).toString('base64');
      return { output: { StatusCode: 200, Payload } };
    });
  const worldOf: ConsumerBed['worldOf'] = (listed, functions) => consumerWorld(aws, listed, functions);
  const consumers: ConsumerBed['consumers'] = (listed, functions = {}) =>
    consumersOf(worldOf(listed, functions), { secretArn });
  return {
    ...{ bed, lambda, variables, worldOf, consumers, world: worldOf([], {}) },
    async makeFunction(name, has, changes = {}) {
      await lambda('CreateFunction', {
        ...{ FunctionName: name, Runtime: 'nodejs24.x', Handler: 'index.handler', Role: role, Timeout: 7 },
        ...{ Code: { ZipFile: emptyZip }, Environment: { Variables: has }, ...changes },
      });
      await settled(name);
      const { Version } = await lambda<{ Version: string }>('PublishVersion', { FunctionName: name });
      await lambda('CreateAlias', { FunctionName: name, Name: 'live', FunctionVersion: Version });
    },
    async alias(name, alias = 'live') {
      const { FunctionVersion, RoutingConfig } = await lambda<{
        FunctionVersion: string;
        RoutingConfig?: { AdditionalVersionWeights?: Record<string, number> };
      }>('GetAlias', { FunctionName: name, Name: alias });
      return { version: FunctionVersion, weights: RoutingConfig?.AdditionalVersionWeights ?? {} };
    },
    async versions(name) {
      const { Versions } = await lambda<{ Versions: { Version: string }[] }>('ListVersionsByFunction', {
        FunctionName: name,
      });
      return Versions.map(({ Version }) => Version);
    },
    async consumer(listed, id) {
      const found = (await consumers([listed])).find((consumer) => consumer.id === id);
      if (found === undefined) throw new Error(`there is no consumer ${id}`);
      return found;
    },
    async changes() {
      return (await bed.requests())
        .filter(({ action, status = 0 }) => status < 400 && !/^(Get|List|Describe|Invoke)/.test(action))
        .map(({ action }) => action);
    },
  };
}

async function makeRole(bed: Bed): Promise<string> {
  const input = { RoleName: 'f', AssumeRolePolicyDocument: JSON.stringify(trustLambda) };
  const { Role } = await bed.aws<{ Role: { Arn: string } }>({ service: 'iam', action: 'CreateRole', input });
  return Role.Arn;
}

/** Of what a consumer holds, as it may be compared. */
export const shown = (login: { user: string; password: Secret } | undefined): string =>
  login === undefined ? 'nothing' : `${login.user}:${login.password.reveal()}`;
