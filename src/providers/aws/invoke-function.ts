import { InvokeCommand } from '@aws-sdk/client-lambda';
import { UserError } from '../../errors.ts';
import type { Invoked } from '../../project/invoked.ts';
import { explainAwsError } from './explain.ts';
import { liveAlias } from './functions/deployment.ts';
import { getFunction } from './functions/function-configuration.ts';
import { isGone } from './judge.ts';
import { functionNameOf } from './stage.ts';
import type { World } from './steps/world.ts';

export interface InvokeOptions {
  /** A version or an alias; `live` unless told. */
  readonly qualifier?: string | undefined;
  /** Queue the event, do not wait for the function. */
  readonly isAsync: boolean;
}

/**
 * Invokes a deployed function once: an answer that is lost is not asked for again.
 *
 * @param payload JSON; undefined for none
 * @throws UserError FUNCTION_NOT_FOUND, NOT_DEPLOYED; AWS's errors, explained. What the function does wrong is in the result
 */
export async function invokeFunction(
  { aws, context, stage }: World,
  name: string,
  payload: string | undefined,
  { qualifier = liveAlias, isAsync }: InvokeOptions,
): Promise<Invoked> {
  getFunction(stage, name);
  const FunctionName = functionNameOf(stage, name);
  const command = new InvokeCommand({
    FunctionName,
    Qualifier: qualifier,
    InvocationType: isAsync ? 'Event' : 'RequestResponse',
    ...(!isAsync && { LogType: 'Tail' }),
    ...(payload !== undefined && { Payload: Buffer.from(payload) }),
  });
  try {
    const result = await aws.write.lambda.send(command, { abortSignal: context.signal });
    const { StatusCode = 200, Payload, FunctionError, ExecutedVersion, LogResult = '' } = result;
    return {
      status: StatusCode,
      // The SDK gives null for an answer without a body, whatever its types say.
      payload: Buffer.from(Payload ?? []).toString('utf8'),
      ...(FunctionError !== undefined && { functionError: FunctionError }),
      ...(ExecutedVersion !== undefined && { version: ExecutedVersion }),
      logTail: Buffer.from(LogResult, 'base64').toString('utf8'),
    };
  } catch (error) {
    context.signal.throwIfAborted();
    if (isGone(error)) throw notDeployed(`${FunctionName}:${qualifier}`, stage.stage);
    throw explainAwsError(error, `function ${FunctionName}`);
  }
}

const notDeployed = (what: string, stage: string): UserError =>
  new UserError('NOT_DEPLOYED', `there is no ${what} on AWS`, {
    suggestions: [`lambdapg deploy --stage ${stage}`, `lambdapg status --stage ${stage} shows what there is`],
  });
