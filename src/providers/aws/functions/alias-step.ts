import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AliasConfiguration,
  CreateAliasCommand,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-lambda';
import { UserError } from '../../../errors.ts';
import type { Difference } from '../../../provision/step.ts';
import { unlessGone } from '../judge.ts';
import type { Look } from '../look.ts';
import { functionNameOf } from '../stage.ts';
import { absent, difference } from '../steps/tagged.ts';
import type { AwsStep, World } from '../steps/world.ts';
import { changedMeanwhile } from './changed-meanwhile.ts';
import { type Deployment, liveAlias } from './deployment.ts';
import { configurationDifferences } from './function-configuration.ts';
import { type FunctionHave, wantedBy } from './function-step.ts';
import { allNeeds, type FunctionNeeds, findHaves } from './needs.ts';

export interface AliasHave {
  readonly version: string;
  readonly revisionId?: string;
}

/**
 * The alias that everything outside calls. Bringing it up to date is the deployment proper: a version is published, asked by
 * `verifyVersion` alone, and only then given to everybody. A version that was not good stays, to be looked at. The alias ends with its function.
 *
 * @param before aliases that are to be shifted first
 */
export function aliasStep(
  world: World,
  name: string,
  needs: FunctionNeeds,
  { code, before }: { code: AwsStep<FunctionHave>; before: readonly AwsStep<AliasHave>[] },
  deployment?: Deployment,
): AwsStep<AliasHave> {
  const { aws, stage } = world;
  const FunctionName = functionNameOf(stage, name);
  const named = { FunctionName, Name: liveAlias };
  const publishGoodVersion = async (have: FunctionHave): Promise<string> => {
    const version = await publishVersion(world, FunctionName, have);
    await deployment?.verifyVersion(name, version);
    return version;
  };
  return {
    id: `alias-${name}`,
    title: `alias ${liveAlias} of ${FunctionName}`,
    needs: [code, ...before, ...allNeeds(needs)],
    patienceMs: 15 * 60_000,
    async find(look) {
      const alias = await unlessGone(aws.read.lambda.send(new GetAliasCommand(named)));
      if (alias === undefined) return absent;
      const have = haveOf(alias);
      const differences = await differencesOf(look, have.version);
      return differences.length === 0 ? { state: 'ready', have } : { state: 'drifted', have, differences };
    },
    async create(haves) {
      const FunctionVersion = await publishGoodVersion(haves.get(code));
      await aws.write.lambda.send(new CreateAliasCommand({ ...named, FunctionVersion }));
    },
    async update(have, haves) {
      const version = await publishGoodVersion(haves.get(code));
      await shiftAlias(world, name, have, version);
    },
  };

  /** Whether the version behind the alias is what is wanted; only a deployment knows. */
  async function differencesOf(look: Look, version: string): Promise<Difference[]> {
    const sha256 = deployment?.packages.get(name)?.sha256;
    const haves = await findHaves(look, allNeeds(needs));
    if (sha256 === undefined || haves === undefined) return [];
    const have = await aws.read.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName, Qualifier: version }),
    );
    const isSame =
      have.CodeSha256 === sha256 &&
      have.Architectures?.[0] === stage.config.architecture &&
      configurationDifferences(have, await wantedBy(world, name, needs, haves)).length === 0;
    return isSame ? [] : [difference('FunctionVersion', version, 'a new one', true)];
  }
}

const haveOf = ({ FunctionVersion, RevisionId }: AliasConfiguration): AliasHave => ({
  version: FunctionVersion ?? '',
  ...(RevisionId !== undefined && { revisionId: RevisionId }),
});

/** Lets everybody have `version`, unless somebody else has moved the alias since `have` was seen. */
export async function shiftAlias(
  { aws, stage }: World,
  name: string,
  { revisionId, version: former }: AliasHave,
  version: string,
): Promise<void> {
  const FunctionName = functionNameOf(stage, name);
  await changedMeanwhile(
    `alias ${liveAlias} of ${FunctionName}`,
    aws.write.lambda.send(
      new UpdateAliasCommand({
        FunctionName,
        Name: liveAlias,
        FunctionVersion: version,
        Description: `lambdapg: version ${former} before`,
        RevisionId: revisionId,
      }),
    ),
  );
}

/**
 * Lambda answers with the newest version when nothing has changed since, so that this can be asked again.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
 */
async function publishVersion(
  { aws, context }: World,
  FunctionName: string,
  { sha256 }: FunctionHave,
): Promise<string> {
  const published = await aws.write.lambda.send(
    new PublishVersionCommand({ FunctionName, CodeSha256: sha256 }),
  );
  const Qualifier = published.Version ?? '';
  // A version in a VPC may take a minute until it has its network interface.
  for (let { State, StateReason } = published; State !== 'Active'; ) {
    if (State === 'Failed')
      throw new UserError('VERSION_FAILED', `version ${Qualifier} of ${FunctionName}: ${StateReason}`);
    await sleep(500, undefined, { signal: context.signal }).catch(() => context.signal.throwIfAborted());
    const command = new GetFunctionConfigurationCommand({ FunctionName, Qualifier });
    ({ State, StateReason } = await aws.read.lambda.send(command));
  }
  return Qualifier;
}
