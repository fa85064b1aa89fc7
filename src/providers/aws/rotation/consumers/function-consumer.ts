import {
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { exitCodes, UserError } from '../../../../errors.ts';
import type { ConsumerSeen } from '../../../../rotation/observation.ts';
import { explainAwsError } from '../../explain.ts';
import { isGone, partsOf } from '../../judge.ts';
import { explainDenied } from '../../permissions/explain-denied.ts';
import type { World } from '../../steps/world.ts';
import { hiddenReason, type Variables, verifySize } from './environment.ts';
import type { Change } from './environment-carrier.ts';
import { pause } from './function-consumer-pause.ts';

/** What consumers of AWS are made with. */
export type ConsumerWorld = Pick<World, 'aws' | 'context' | 'stage'>;

/** `$LATEST`, a version or an alias of a function. */
export interface FunctionPlace {
  /** Name or ARN, without a qualifier. */
  readonly name: string;
  readonly qualifier: string;
}

export interface FunctionSeen {
  /** Absent when it cannot be seen. */
  readonly configuration?: FunctionConfiguration;
  readonly state: ConsumerSeen['state'];
  readonly why?: string;
}

export const latest = '$LATEST';

export const titleOf = ({ name, qualifier }: FunctionPlace): string =>
  `function ${name.replace(/^arn:.*:function:/, '')}${qualifier === latest ? '' : `:${qualifier}`}`;

export const variablesOf = (configuration: FunctionConfiguration | undefined): Variables =>
  configuration?.Environment?.Variables ?? {};

/** A version, the version of an alias, or `$LATEST`, and whether something is the matter with it. */
export async function lookAtFunction({ aws }: ConsumerWorld, place: FunctionPlace): Promise<FunctionSeen> {
  const { name: FunctionName, qualifier: Qualifier } = place;
  try {
    const configuration = await aws.read.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName, Qualifier }),
    );
    return { configuration, ...stateOf(configuration) };
  } catch (error) {
    return unreachable(error, titleOf(place));
  }
}

/** @throws what says nothing about the one that was looked at: a lost connection, throttling */
export function unreachable(error: unknown, title: string): { state: 'unreachable'; why: string } {
  const explained = explainAwsError(error, title);
  if (!isGone(error) && explainDenied(error) === undefined) throw explained;
  return { state: 'unreachable', why: isGone(error) ? `there is no ${title}` : String(messageOf(explained)) };
}

const messageOf = (error: unknown): unknown => (error instanceof Error ? error.message : error);

/** https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html */
function stateOf(configuration: FunctionConfiguration): Pick<FunctionSeen, 'state' | 'why'> {
  const { State, StateReason, LastUpdateStatus, LastUpdateStatusReason, Environment } = configuration;
  if (State === 'Failed')
    return { state: 'failed', why: `it is in state Failed: ${StateReason ?? noReason}` };
  if (LastUpdateStatus === 'Failed')
    return { state: 'failed', why: `its last change failed: ${LastUpdateStatusReason ?? noReason}` };
  if (State === 'Pending' || LastUpdateStatus === 'InProgress')
    return { state: 'busy', why: 'its change is in progress' };
  const hidden = hiddenReason(Environment);
  return hidden === undefined ? { state: 'ready' } : { state: 'hidden', why: hidden };
}

const noReason = 'no reason given';

/** How often a change is begun again because somebody else changes the function at the same time. */
const mostTries = 5;

/**
 * Changes the environment of `$LATEST`, and of it only what `change` is about: what others write meanwhile stays.
 *
 * @param verify refuses a `$LATEST` that must not be changed
 * @returns `$LATEST` with the change in force
 * @throws UserError ENVIRONMENT_HIDDEN, ENVIRONMENT_TOO_LARGE, FUNCTION_UPDATE_FAILED, CHANGED_MEANWHILE
 */
export async function changeLatest(
  world: ConsumerWorld,
  name: string,
  change: Change,
  verify: (now: FunctionConfiguration) => void = () => {},
): Promise<FunctionConfiguration> {
  const title = titleOf({ name, qualifier: latest });
  let asked = false;
  for (let turn = 1; ; turn += 1) {
    const now = await settledLatest(world, name);
    verifyVisible(now, title);
    verify(now);
    const failed = now.LastUpdateStatus === 'Failed';
    if (failed && asked) throw updateFailed(now, title);
    if (!failed && change.isIn(variablesOf(now))) return now;
    const Variables = change.apply(variablesOf(now));
    verifySize(Variables, title);
    asked = await updateUnlessChanged(world, name, now.RevisionId, Variables);
    if (turn === mostTries) throw changedMeanwhile(title);
  }
}

/** Waits for a change that is in progress, whosever it is. */
async function settledLatest(world: ConsumerWorld, name: string): Promise<FunctionConfiguration> {
  const place = { name, qualifier: latest };
  for (let turn = 0; ; turn += 1) {
    const { configuration, state, why } = await lookAtFunction(world, place);
    if (configuration === undefined || configuration.State === 'Failed') {
      throw new UserError('CONSUMER_FAILED', `${titleOf(place)} cannot be changed: ${why}`, {
        exit: exitCodes.open,
        suggestions: ['put the function right, then lambdapg rotate-creds --resume'],
      });
    }
    if (state !== 'busy') return configuration;
    await pause(turn, titleOf(place));
  }
}

function verifyVisible({ Environment }: FunctionConfiguration, title: string): void {
  const hidden = hiddenReason(Environment);
  if (hidden === undefined) return;
  throw new UserError('ENVIRONMENT_HIDDEN', `${title} cannot be changed: ${hidden}`, {
    suggestions: ["ask for kms:Decrypt on the function's key"],
  });
}

/** @returns false where somebody else was faster: then it is to be looked at again */
async function updateUnlessChanged(
  { aws }: ConsumerWorld,
  FunctionName: string,
  RevisionId: string | undefined,
  variables: Record<string, string>,
): Promise<boolean> {
  try {
    const Environment = { Variables: variables };
    await aws.write.lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName, RevisionId, Environment }),
    );
    return true;
  } catch (error) {
    if (/^(PreconditionFailed|ResourceConflict)Exception$/.test(partsOf(error).name)) return false;
    throw explainAwsError(error, titleOf({ name: FunctionName, qualifier: latest }));
  }
}

const updateFailed = ({ LastUpdateStatusReason }: FunctionConfiguration, title: string): UserError =>
  new UserError(
    'FUNCTION_UPDATE_FAILED',
    `Lambda could not change ${title}: ${LastUpdateStatusReason ?? noReason}`,
    { exit: exitCodes.open, suggestions: ['put the function right, then lambdapg rotate-creds --resume'] },
  );

export const changedMeanwhile = (title: string, cause?: unknown): UserError =>
  new UserError('CHANGED_MEANWHILE', `${title} was changed by somebody else in the meantime`, {
    exit: exitCodes.temporary,
    suggestions: ['see who deploys besides you, then lambdapg rotate-creds --resume'],
    ...(cause !== undefined && { cause }),
  });
