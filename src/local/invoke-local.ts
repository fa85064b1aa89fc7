import type { Context } from '../context.ts';
import { errorMessage, UserError } from '../errors.ts';
import type { Project } from '../project/find-project.ts';
import type { Invoked } from '../project/invoked.ts';
import { startDev } from './dev.ts';
import { findDev } from './dev-address.ts';

export interface LocalInvocation {
  readonly functionName: string;
  /** JSON; undefined for none. */
  readonly payload: string | undefined;
  readonly isAsync: boolean;
  /** Aborted by a second Ctrl-C. */
  readonly killSignal: AbortSignal;
}

/**
 * Invokes a function on this computer: by the `lambdapg dev` that serves the project, else by one that is started for it, on the
 * project's own database.
 *
 * @throws UserError FUNCTION_NOT_FOUND, NO_BACKGROUND, THROTTLED; those of `startDev`
 */
export async function invokeLocal(
  context: Context,
  project: Project,
  invocation: LocalInvocation,
): Promise<Invoked> {
  verifyFunction(project, invocation.functionName);
  const running = await findDev(project.dir);
  if (running !== undefined) {
    const answer = await post(context, running, invocation).catch(unlessRefused);
    if (answer !== undefined) return answer;
  }
  if (invocation.isAsync) {
    throw new UserError('NO_BACKGROUND', 'no lambdapg dev is running to take an event', {
      suggestions: ['start lambdapg dev in another terminal', 'or leave --async out'],
    });
  }
  const { killSignal } = invocation;
  const dev = await startDev(context, { project, database: {}, port: 0, scratch: false, killSignal });
  try {
    return await post(context, dev.url, invocation);
  } finally {
    await dev.stop();
  }
}

function verifyFunction({ config }: Project, name: string): void {
  if (config.functions[name] !== undefined) return;
  throw new UserError('FUNCTION_NOT_FOUND', `there is no function "${name}" in lambdapg.json`, {
    suggestions: [`choose one of: ${Object.keys(config.functions).join(', ')}`],
  });
}

/** It was killed, and another process has its number: nobody listens. */
function unlessRefused(error: unknown): undefined {
  const { cause } = error as { cause?: { code?: unknown } };
  if (cause?.code === 'ECONNREFUSED') return undefined;
  throw error;
}

/** Lambda's own REST API. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
async function post(
  { signal }: Context,
  url: string,
  { functionName, payload, isAsync }: LocalInvocation,
): Promise<Invoked> {
  const response = await fetch(`${url}/2015-03-31/functions/${functionName}/invocations`, {
    method: 'POST',
    headers: {
      'x-amz-invocation-type': isAsync ? 'Event' : 'RequestResponse',
      'x-amz-log-type': isAsync ? 'None' : 'Tail',
    },
    ...(payload !== undefined && { body: payload }),
    signal,
  });
  const text = await response.text();
  if (!response.ok) throw refused(functionName, response.status, text);
  const functionError = response.headers.get('x-amz-function-error');
  const version = response.headers.get('x-amz-executed-version');
  return {
    status: response.status,
    payload: text,
    ...(functionError !== null && { functionError }),
    ...(version !== null && { version }),
    logTail: Buffer.from(response.headers.get('x-amz-log-result') ?? '', 'base64').toString('utf8'),
  };
}

function refused(functionName: string, status: number, text: string): UserError {
  const why = messageOf(text);
  if (status === 429) return new UserError('THROTTLED', `${functionName} has no free environment: ${why}`);
  return new UserError('INVOKE_REFUSED', `${functionName} cannot be invoked: ${status} ${why}`);
}

function messageOf(text: string): string {
  try {
    const { message, Message } = JSON.parse(text) as { message?: string; Message?: string };
    return message ?? Message ?? text;
  } catch (error) {
    return text === '' ? errorMessage(error) : text;
  }
}
