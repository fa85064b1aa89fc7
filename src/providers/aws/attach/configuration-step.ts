import {
  type FunctionConfiguration,
  type GetFunctionResponse,
  UpdateFunctionConfigurationCommand,
  type VpcConfig,
} from '@aws-sdk/client-lambda';
import { UserError } from '../../../errors.ts';
import type { Difference, Haves } from '../../../provision/step.ts';
import type { Wiring } from '../../../provision/wiring.ts';
import { attachVariables, detachVariables } from '../../../provision/wiring-variables.ts';
import { changedMeanwhile } from '../functions/changed-meanwhile.ts';
import type { SecretHave } from '../steps/secrets.ts';
import { absent, difference } from '../steps/tagged.ts';
import { type AttachRecord, parseAttachRecord } from './attach-record.ts';
import { type AttachLook, type AttachStep, type AttachWorld, takeAttachLook } from './attach-world.ts';
import { findOwnGroup, type OwnGroupHave } from './own-group-step.ts';

interface ConfigurationHave {
  readonly revisionId?: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly vpc: Place;
}

interface Place {
  readonly subnetIds: readonly string[];
  readonly groupIds: readonly string[];
}

type Part = Pick<ConfigurationHave, 'variables' | 'vpc'>;

interface Needs {
  readonly all: readonly AttachStep<unknown>[];
  readonly group?: AttachStep<OwnGroupHave>;
  /** Made by attach; its ARN goes into the environment. */
  readonly secret?: AttachStep<SecretHave>;
}

/**
 * The function's own configuration: what is ours in its environment and VPC settings is added or taken away, all else stays as it
 * is found. Each change is guarded by the revision that was read.
 *
 * @param wiring absent while it is taken away
 */
export function configurationStep(
  { aws }: AttachWorld,
  name: string,
  needs: Needs,
  wiring?: Pick<Wiring, 'network' | 'placement' | 'ownGroup' | 'variables'>,
): AttachStep<ConfigurationHave> {
  let asked = false;
  const write = async (have: ConfigurationHave, want: Part): Promise<void> => {
    asked = true;
    const moved = placeKey(have.vpc) !== placeKey(want.vpc);
    const command = new UpdateFunctionConfigurationCommand({
      FunctionName: name,
      RevisionId: have.revisionId,
      Environment: { Variables: { ...want.variables } },
      ...(moved && { VpcConfig: vpcConfigOf(want.vpc) }),
    });
    await changedMeanwhile(name, aws.write.lambda.send(command));
  };
  return {
    id: `configuration:${name}`,
    title:
      wiring === undefined
        ? `what attach set in the configuration of function ${name}`
        : `configuration of function ${name}`,
    needs: needs.all,
    patienceMs: 15 * 60_000,
    async find(look) {
      const found = await look.getFunction(name);
      if (found?.Configuration === undefined) return absent;
      const have = haveOf(found);
      const why = whyPending(found.Configuration, asked);
      if (why !== undefined) return { state: 'pending', have, why };
      if (wiring === undefined) {
        const before = await beforeOf(look, name, found, have);
        return differencesOf(have, before).length === 0 ? absent : { state: 'ready', have };
      }
      const want = await wantedNow(look, name, wiring, needs, found, have);
      const differences = differencesOf(have, want);
      return differences.length === 0 ? { state: 'ready', have } : { state: 'drifted', have, differences };
    },
    async create() {
      throw new UserError('FUNCTION_GONE', `function ${name} is not there any more`);
    },
    async update(_have, haves) {
      const { look, found, have } = await lookAgain(aws, name);
      if (wiring === undefined) return;
      const groupId = needs.group === undefined ? undefined : haves.get(needs.group).groupId;
      const arn = secretArnOf(needs, haves);
      const before = await beforeOf(look, name, found, have);
      const ours = parseAttachRecord(name, found.Tags)?.variables ?? [];
      const variables = attachVariables(have.variables, ours, settled(wiring, arn));
      await write(have, { variables, vpc: placeOf(wiring, before.vpc, groupId) });
    },
    async remove() {
      const { look, found, have } = await lookAgain(aws, name);
      await write(have, await beforeOf(look, name, found, have));
    },
  };
}

/** The environment is merged into what stands there now, not when the plan was made. */
async function lookAgain(aws: AttachWorld['aws'], name: string) {
  const look = takeAttachLook(aws);
  const found = await look.getFunction(name);
  if (found === undefined) throw new UserError('FUNCTION_GONE', `function ${name} is not there any more`);
  return { look, found, have: haveOf(found) };
}

function haveOf({ Configuration = {} }: GetFunctionResponse): ConfigurationHave {
  const { RevisionId, Environment, VpcConfig: vpc } = Configuration;
  return {
    ...(RevisionId !== undefined && { revisionId: RevisionId }),
    variables: Environment?.Variables ?? {},
    vpc: { subnetIds: vpc?.SubnetIds ?? [], groupIds: vpc?.SecurityGroupIds ?? [] },
  };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html @param asked a failure is of our own change */
function whyPending(configuration: FunctionConfiguration, asked: boolean): string | undefined {
  const { FunctionName, State, LastUpdateStatus, LastUpdateStatusReason } = configuration;
  if (State === 'Pending') return 'it is being created';
  if (LastUpdateStatus === 'InProgress') return 'its change is in progress';
  if (LastUpdateStatus !== 'Failed' || !asked) return undefined;
  throw new UserError(
    'FUNCTION_UPDATE_FAILED',
    `Lambda could not change ${FunctionName}: ${LastUpdateStatusReason ?? 'no reason given'}`,
    { suggestions: [`lambdapg detach --function ${FunctionName} brings back what it was`] },
  );
}

/** What it is without an attachment. */
async function beforeOf(
  look: AttachLook,
  name: string,
  { Tags }: GetFunctionResponse,
  { variables, vpc }: ConfigurationHave,
): Promise<Part> {
  const record = parseAttachRecord(name, Tags);
  if (record === undefined) return { variables, vpc };
  return {
    variables: detachVariables(variables, record.variables),
    vpc: placeBefore(record, vpc, (await findOwnGroup(look, name))?.GroupId),
  };
}

function placeBefore({ wasOutside }: AttachRecord, vpc: Place, ownGroup: string | undefined): Place {
  if (wasOutside) return { subnetIds: [], groupIds: [] };
  return { ...vpc, groupIds: vpc.groupIds.filter((id) => id !== ownGroup) };
}

async function wantedNow(
  look: AttachLook,
  name: string,
  wiring: Pick<Wiring, 'network' | 'placement' | 'ownGroup' | 'variables'>,
  { secret }: Needs,
  found: GetFunctionResponse,
  have: ConfigurationHave,
): Promise<Part> {
  const before = await beforeOf(look, name, found, have);
  const own = await findOwnGroup(look, name, wiring.ownGroup?.vpcId);
  const state = await secret?.find(look);
  const arn = state !== undefined && 'have' in state ? state.have?.arn : undefined;
  const ours = parseAttachRecord(name, found.Tags)?.variables ?? [];
  return {
    variables: attachVariables(have.variables, ours, settled(wiring, arn ?? 'the ARN of its own secret')),
    vpc: placeOf(wiring, before.vpc, own?.GroupId ?? 'its own group'),
  };
}

function placeOf(
  { network, placement, ownGroup }: Pick<Wiring, 'network' | 'placement' | 'ownGroup'>,
  before: Place,
  groupId: string | undefined,
): Place {
  if (network === 'outside') return before;
  const own = ownGroup === undefined || groupId === undefined ? [] : [groupId];
  if (network === 'enters') return { subnetIds: placement?.subnetIds ?? [], groupIds: own };
  return { ...before, groupIds: [...before.groupIds, ...own] };
}

/** The variables with the ARN of the secret that attach makes. */
const settled = ({ variables }: Pick<Wiring, 'variables'>, arn: string | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(variables.set).map(([key, value]) => [key, value ?? arn ?? '']));

const secretArnOf = ({ secret }: Needs, haves: Haves): string | undefined =>
  secret === undefined ? undefined : haves.get(secret).arn;

const placeKey = ({ subnetIds, groupIds }: Place): string =>
  [[...subnetIds].sort().join(' '), [...groupIds].sort().join(' ')].join('|');

const vpcConfigOf = ({ subnetIds, groupIds }: Place): VpcConfig => ({
  SubnetIds: [...subnetIds],
  SecurityGroupIds: [...groupIds],
});

/** Values of variables that are not ours are not shown. */
function differencesOf(have: Part, want: Part): Difference[] {
  const names = [...new Set([...Object.keys(have.variables), ...Object.keys(want.variables)])].sort();
  const shown = (value: string | undefined): string =>
    value === undefined ? 'not set' : 'set to something else';
  const ofVariables = names
    .filter((name) => have.variables[name] !== want.variables[name])
    .map((name) =>
      difference(`Environment ${name}`, shown(have.variables[name]), want.variables[name] ?? 'not set', true),
    );
  const ofVpc = (
    [
      ['SubnetIds', 'subnetIds'],
      ['SecurityGroupIds', 'groupIds'],
    ] as const
  ).flatMap(([property, key]) => {
    const [now, then] = [have.vpc[key], want.vpc[key]].map((ids) => [...ids].sort().join(' '));
    return now === then ? [] : [difference(`VpcConfig ${property}`, now || 'none', then || 'none', true)];
  });
  return [...ofVariables, ...ofVpc];
}
