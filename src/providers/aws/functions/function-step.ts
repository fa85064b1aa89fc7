import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  type FunctionConfiguration,
  type GetFunctionResponse,
  PutFunctionConcurrencyCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { UserError } from '../../../errors.ts';
import type { Difference, Haves } from '../../../provision/step.ts';
import type { Look } from '../look.ts';
import { functionNameOf, isOurs, notOurs, tagMapOf } from '../stage.ts';
import type { RoleHave } from '../steps/iam-role.ts';
import { absent, difference } from '../steps/tagged.ts';
import type { AwsStep, World } from '../steps/world.ts';
import { changedMeanwhile } from './changed-meanwhile.ts';
import { type Deployment, getPackage } from './deployment.ts';
import {
  configurationDifferences,
  type WantedConfiguration,
  wantedConfiguration,
} from './function-configuration.ts';
import { allNeeds, type FunctionNeeds, findHaves } from './needs.ts';
import { wantedConcurrency } from './reserved-concurrency.ts';

export interface FunctionHave {
  readonly arn: string;
  /** Of `$LATEST`. */
  readonly sha256: string;
  readonly revisionId?: string;
}

interface Parts {
  readonly role: AwsStep<RoleHave>;
  readonly logGroup: AwsStep<unknown>;
}

/** The tag that tells a project's function from lambdapg's own (the runner). */
export const functionResource = (name: string): string => `function-${name}`;

/**
 * A function's code and configuration, as `$LATEST`: nobody calls that but the next version is made of it. The code is compared
 * with a deployment's alone; without one it counts as wanted.
 */
export function functionStep(
  world: World,
  name: string,
  needs: FunctionNeeds,
  { role, logGroup }: Parts,
  deployment?: Deployment,
): AwsStep<FunctionHave> {
  const { aws, stage } = world;
  const FunctionName = functionNameOf(stage, name);
  const all = allNeeds(needs);
  let asked = false;
  const want = (haves: Haves): Promise<WantedConfiguration> => wantedBy(world, name, needs, haves);
  return {
    id: functionResource(name),
    title: `function ${FunctionName}`,
    needs: [role, logGroup, ...all],
    patienceMs: 15 * 60_000,
    async find(look) {
      const found = await look.lambdaFunction(FunctionName);
      const configuration = found?.Configuration;
      if (found === undefined || configuration === undefined) return absent;
      if (!isOurs(stage, found.Tags)) return { state: 'foreign', why: notOurs(FunctionName) };
      const have = haveOf(configuration);
      const state = stateOf(configuration, asked);
      if (state !== undefined) return { ...state, have };
      const differences = await differencesOf(world, look, name, deployment, found, await wantedNow(look));
      return differences.length === 0 ? { state: 'ready', have } : { state: 'drifted', have, differences };
    },
    async create(haves) {
      const { zip } = getPackage(deployment, name);
      await aws.write.lambda.send(
        new CreateFunctionCommand({
          ...(await want(haves)),
          FunctionName,
          Description: `lambdapg: ${name} of ${stage.prefix}`,
          Architectures: [stage.config.architecture],
          Code: { ZipFile: zip },
          Tags: { ...tagMapOf(stage, functionResource(name)), Name: FunctionName },
        }),
      );
    },
    async update(have, haves, differences) {
      asked = true;
      const wanted = await want(haves);
      await changedMeanwhile(FunctionName, change(world, name, have, wanted, differences, deployment));
    },
    async remove() {
      await aws.write.lambda.send(new DeleteFunctionCommand({ FunctionName }));
    },
  };

  async function wantedNow(look: Look): Promise<WantedConfiguration | undefined> {
    const haves = await findHaves(look, all);
    return haves === undefined ? undefined : want(haves);
  }
}

/** The role's ARN is known from its name. */
export async function wantedBy(
  { aws, stage }: World,
  name: string,
  needs: FunctionNeeds,
  haves: Haves,
): Promise<WantedConfiguration> {
  const { account, partition } = await aws.identity();
  const role = `arn:${partition}:iam::${account}:role/${functionNameOf(stage, name)}`;
  return wantedConfiguration(stage, name, needs, haves, role);
}

const haveOf = ({ FunctionArn, CodeSha256, RevisionId }: FunctionConfiguration): FunctionHave => ({
  arn: FunctionArn ?? '',
  sha256: CodeSha256 ?? '',
  ...(RevisionId !== undefined && { revisionId: RevisionId }),
});

/**
 * A state that is not the end of something. https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
 *
 * @param asked a change was asked for in this run, so that its failure is ours to tell
 */
function stateOf(configuration: FunctionConfiguration, asked: boolean) {
  const { FunctionName, State, StateReason = '', LastUpdateStatus } = configuration;
  if (State === 'Pending') return { state: 'pending', why: StateReason } as const;
  if (State === 'Failed') {
    const differences = [difference('State', `Failed (${StateReason})`, 'Active', false)];
    return { state: 'drifted', differences } as const;
  }
  if (LastUpdateStatus === 'InProgress')
    return { state: 'pending', why: 'its change is in progress' } as const;
  if (LastUpdateStatus === 'Failed' && asked) {
    const why = configuration.LastUpdateStatusReason ?? 'no reason given';
    throw new UserError('FUNCTION_UPDATE_FAILED', `Lambda could not change ${FunctionName}: ${why}`);
  }
  return undefined;
}

async function differencesOf(
  world: World,
  look: Look,
  name: string,
  deployment: Deployment | undefined,
  { Configuration = {}, Concurrency }: GetFunctionResponse,
  wanted: WantedConfiguration | undefined,
): Promise<Difference[]> {
  const { stage } = world;
  const reserved = Concurrency?.ReservedConcurrentExecutions;
  const reservedConcurrency = await wantedConcurrency(world, look, name, reserved);
  const sha256 = deployment?.packages.get(name)?.sha256;
  const machine = Configuration.Architectures?.[0];
  return [
    ...(wanted === undefined ? [] : configurationDifferences(Configuration, wanted)),
    ...(reserved === reservedConcurrency
      ? []
      : [difference('ReservedConcurrentExecutions', shown(reserved), shown(reservedConcurrency), true)]),
    ...(machine === undefined || machine === stage.config.architecture
      ? []
      : [difference('Architectures', machine, stage.config.architecture, true)]),
    ...(sha256 === undefined || sha256 === Configuration.CodeSha256
      ? []
      : [difference('CodeSha256', (Configuration.CodeSha256 ?? '').slice(0, 12), sha256.slice(0, 12), true)]),
  ];
}

const shown = (count: number | undefined): string => (count === undefined ? 'none' : String(count));

/** One change at a time: Lambda refuses a second one while the first is in progress. The engine comes back for the rest. */
async function change(
  { aws, stage }: World,
  name: string,
  { revisionId }: FunctionHave,
  wanted: WantedConfiguration,
  differences: readonly Difference[],
  deployment: Deployment | undefined,
): Promise<void> {
  const { lambda } = aws.write;
  const concurrency = differences.find(({ property }) => property === 'ReservedConcurrentExecutions')?.want;
  const named = { FunctionName: functionNameOf(stage, name) };
  const guarded = { ...named, RevisionId: revisionId };
  const differs = (properties: readonly string[]): boolean =>
    differences.some(({ property }) => properties.includes(property));
  if (concurrency === 'none') {
    await lambda.send(new DeleteFunctionConcurrencyCommand(named));
  } else if (concurrency !== undefined) {
    const reservation = { ...named, ReservedConcurrentExecutions: Number(concurrency) };
    await lambda.send(new PutFunctionConcurrencyCommand(reservation));
  } else if (differs(['CodeSha256', 'Architectures'])) {
    const { zip } = getPackage(deployment, name);
    const code = { ...guarded, ZipFile: zip, Architectures: [stage.config.architecture] };
    await lambda.send(new UpdateFunctionCodeCommand(code));
  } else {
    await lambda.send(new UpdateFunctionConfigurationCommand({ ...guarded, ...wanted }));
  }
}
