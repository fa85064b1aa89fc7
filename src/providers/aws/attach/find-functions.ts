import {
  type FunctionConfiguration,
  type GetFunctionResponse,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import { exitCodes, UserError } from '../../../errors.ts';
import type { FunctionFacts, Placement } from '../../../provision/wiring-facts.ts';
import { detachVariables } from '../../../provision/wiring-variables.ts';
import { roleNameOf } from './attach-names.ts';
import { type AttachRecord, parseAttachRecord } from './attach-record.ts';
import type { AttachLook, AttachWorld } from './attach-world.ts';
import { vpcOf } from './describe-server.ts';
import { findOwnGroup } from './own-group-step.ts';
import { ownerOf } from './resource-owner.ts';

/** A function that is to be attached or detached. */
export interface AttachableFunction {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  readonly roleName: string;
  readonly facts: FunctionFacts;
  /** Of the attachment that is there or was begun. */
  readonly record?: AttachRecord;
  /** It belongs to a stage of a project, which `deploy` keeps as it wants it. */
  readonly stage?: string;
  /** As it is now, with what attach may have changed. */
  readonly subnetIds: readonly string[];
  readonly groupIds: readonly string[];
}

export interface FunctionChoice {
  readonly names?: readonly string[];
  /** `key=value` */
  readonly tag?: string;
}

/** Every function of the region, by name. */
export async function listFunctionNames({ aws }: AttachWorld): Promise<string[]> {
  const names: string[] = [];
  let Marker: string | undefined;
  do {
    const { Functions = [], NextMarker } = await aws.read.lambda.send(new ListFunctionsCommand({ Marker }));
    names.push(...Functions.map(({ FunctionName = '' }) => FunctionName));
    Marker = NextMarker;
  } while (Marker !== undefined && Marker !== '');
  return names.sort();
}

/** @throws UserError FUNCTION_NOT_FOUND, NO_SUCH_TAG, NO_FUNCTION (exit 2) */
export async function findFunctions(
  world: AttachWorld,
  look: AttachLook,
  { names = [], tag }: FunctionChoice,
): Promise<AttachableFunction[]> {
  if (names.length > 0) {
    const unique = [...new Set(names.map(plainName))];
    return Promise.all(
      unique.map(async (name) => describe(look, name, await getFunction(world, look, name))),
    );
  }
  if (tag === undefined) {
    throw new UserError('NO_FUNCTION', 'no function is chosen', {
      exit: exitCodes.usage,
      suggestions: ['--function <name>,<name>', 'or --function-tag key=value'],
    });
  }
  const found = await findTagged(world, look, tag);
  if (found.length === 0) {
    throw new UserError('NO_SUCH_TAG', `no function in ${world.aws.region} has the tag ${tag}`, {
      suggestions: ['--function <name>, or another --region'],
    });
  }
  return Promise.all(found.map((one) => describe(look, one.Configuration?.FunctionName ?? '', one)));
}

/** A name, or an ARN. */
const plainName = (spelled: string): string =>
  /^arn:[^:]+:lambda:[^:]*:[^:]*:function:([^:]+)/.exec(spelled)?.[1] ?? spelled.trim();

async function getFunction(world: AttachWorld, look: AttachLook, name: string): Promise<GetFunctionResponse> {
  const found = await look.getFunction(name);
  if (found?.Configuration !== undefined) return found;
  throw new UserError('FUNCTION_NOT_FOUND', `there is no function "${name}" in ${world.aws.region}`, {
    suggestions: ['another --region or --profile', 'or --function-tag key=value'],
  });
}

/** Lambda lists no tags: each function is asked for its own, a few at a time. */
async function findTagged(world: AttachWorld, look: AttachLook, tag: string): Promise<GetFunctionResponse[]> {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(tag) ?? [];
  if (key === undefined) {
    throw new UserError('BAD_TAG', `"${tag}" is not key=value`, {
      exit: exitCodes.usage,
      suggestions: ['--function-tag team=orders'],
    });
  }
  const names = await listFunctionNames(world);
  const found: GetFunctionResponse[] = [];
  for (let at = 0; at < names.length; at += 8) {
    const some = await Promise.all(names.slice(at, at + 8).map((name) => look.getFunction(name)));
    found.push(...some.flatMap((one) => (one?.Tags?.[key] === value && one !== undefined ? [one] : [])));
  }
  return found;
}

async function describe(
  look: AttachLook,
  name: string,
  { Configuration = {}, Tags = {} }: GetFunctionResponse,
): Promise<AttachableFunction> {
  const record = parseAttachRecord(name, Tags);
  const { FunctionArn: arn = '', Role: roleArn = '', VpcConfig: vpc } = Configuration;
  const own = await findOwnGroup(look, name);
  const vpcId = await vpcOf(look, vpc?.SecurityGroupIds ?? []);
  const stage = Tags['lambdapg:stage'];
  const project = Tags['lambdapg:project'];
  const groupIds = vpc?.SecurityGroupIds ?? [];
  return {
    ...{ name, arn, roleArn, roleName: roleNameOf(roleArn) },
    facts: factsOf(name, Configuration, Tags, { record, vpcId, ownGroup: own?.GroupId }),
    ...(record !== undefined && { record }),
    ...(project !== undefined && { stage: `${project}-${stage}` }),
    ...{ subnetIds: vpc?.SubnetIds ?? [], groupIds },
  };
}

function factsOf(
  name: string,
  { Runtime, VpcConfig: vpc, Environment }: FunctionConfiguration,
  tags: Readonly<Record<string, string>>,
  {
    record,
    vpcId,
    ownGroup,
  }: {
    readonly record: AttachRecord | undefined;
    readonly vpcId: string;
    readonly ownGroup: string | undefined;
  },
): FunctionFacts {
  const owner = ownerOf(tags);
  const placement: Placement | undefined =
    vpcId !== '' && record?.wasOutside !== true
      ? {
          vpcId,
          subnetIds: vpc?.SubnetIds ?? [],
          groupIds: (vpc?.SecurityGroupIds ?? []).filter((id) => id !== ownGroup),
        }
      : undefined;
  const hidden = Environment?.Error;
  return {
    name,
    ...(Runtime !== undefined && { runtime: Runtime }),
    ...(placement !== undefined && { placement }),
    variables: detachVariables(Environment?.Variables ?? {}, record?.variables ?? []),
    ...(hidden !== undefined && { variablesHidden: hidden.Message ?? hidden.ErrorCode ?? 'no reason given' }),
    ...(owner !== undefined && { owner }),
    ...(record?.wasOutside === true && { enteredSubnetIds: vpc?.SubnetIds ?? [] }),
  };
}

/** From the values of `functionFlags`. */
export const parseFunctionChoice = ({
  names,
  tag,
}: {
  readonly names?: string | undefined;
  readonly tag?: string | undefined;
}): FunctionChoice => ({
  ...(names !== undefined && { names: names.split(',').filter((name) => name.trim() !== '') }),
  ...(tag !== undefined && { tag }),
});
