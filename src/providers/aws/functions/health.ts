import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { errorMessage, UserError } from '../../../errors.ts';
import { functionNameOf } from '../stage.ts';
import type { World } from '../steps/world.ts';

/** The request by which a deployment is judged. */
export interface HealthRequest {
  readonly functionName: string;
  readonly path: string;
  /** What the HTTP API would send for it. */
  readonly event: object;
}

/** How something answered. */
export interface Health {
  readonly status: number;
  readonly ms: number;
  /** The beginning of its body, or of the error. */
  readonly text: string;
  /** The end of the function's log, when it was invoked directly. */
  readonly logTail?: string;
}

/** A database that wakes up, or a permission that spreads, may need a moment. */
const pausesMs = [500, 2_000];
const longestText = 300;
const logLines = 10;

export const isHealthy = ({ status }: Health): boolean => status >= 200 && status < 400;

/**
 * Asks one version of a function, past alias and HTTP API.
 *
 * @throws UserError HEALTH_CHECK_FAILED with its answer and the end of its log
 */
export async function verifyVersion(world: World, health: HealthRequest, version: string): Promise<void> {
  const { context, stage } = world;
  const what = `version ${version} of ${functionNameOf(stage, health.functionName)}`;
  const answer = await untilHealthy(world, () => invokeHealth(world, health, version));
  const { status, ms, text } = answer;
  const message = `${what} answers ${status} on ${health.path} in ${ms} ms`;
  if (isHealthy(answer)) return context.report({ type: 'health', message, version, status, ms });
  throw new UserError('HEALTH_CHECK_FAILED', [`${message}: ${text}`, ...logOf(answer)].join('\n'), {
    suggestions: [
      `nothing was shifted: what served before serves on`,
      `lambdapg invoke ${health.functionName} "GET ${health.path}" --stage ${stage.stage} --qualifier ${version}`,
    ],
  });
}

/** The last lines, as they are shown below an error. */
export const logOf = ({ logTail = '' }: Health): string[] =>
  logTail
    .trim()
    .split('\n')
    .slice(-logLines)
    .map((line) => `  ${line.slice(0, longestText)}`);

/** @returns the answer of the API's public URL; status 0 when there was none */
export async function askUrl({ context }: World, url: string): Promise<Health> {
  const startedAt = Date.now();
  const ms = (): number => Date.now() - startedAt;
  try {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(35_000)]);
    const response = await fetch(url, { signal, redirect: 'manual' });
    const text = await response.text();
    return { status: response.status, ms: ms(), text: text.slice(0, longestText) };
  } catch (error) {
    context.signal.throwIfAborted();
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { status: 0, ms: ms(), text: errorMessage(cause) };
  }
}

/** Asks again a few times; a new API's name takes longer to be known. */
export async function untilHealthy(
  { context }: World,
  ask: () => Promise<Health>,
  pauses: readonly number[] = pausesMs,
): Promise<Health> {
  for (let attempt = 0; ; attempt += 1) {
    const health = await ask();
    const pause = pauses[attempt];
    if (isHealthy(health) || pause === undefined) return health;
    await sleep(pause, undefined, { signal: context.signal }).catch(() => context.signal.throwIfAborted());
  }
}

/** Asks a function past its HTTP API. @param Qualifier a version or alias */
export async function invokeHealth(
  { aws, context, stage }: World,
  { functionName, event }: HealthRequest,
  Qualifier: string,
): Promise<Health> {
  const startedAt = Date.now();
  const command = new InvokeCommand({
    FunctionName: functionNameOf(stage, functionName),
    Qualifier,
    LogType: 'Tail',
    Payload: Buffer.from(JSON.stringify(event)),
  });
  const asked = aws.read.lambda.send(command, { abortSignal: context.signal });
  const result = await asked.catch((error: unknown) => {
    context.signal.throwIfAborted();
    throw error;
  });
  const text = Buffer.from(result.Payload ?? []).toString('utf8');
  return {
    ...(result.FunctionError === undefined ? readAnswer(text) : { status: 502, text }),
    ms: Date.now() - startedAt,
    logTail: Buffer.from(result.LogResult ?? '', 'base64').toString('utf8'),
  };
}

/** As an HTTP API reads a function's answer: without a status it is a good one. */
function readAnswer(payload: string): { status: number; text: string } {
  try {
    const answer = JSON.parse(payload) as { statusCode?: unknown; body?: unknown } | null;
    const status = Number(answer?.statusCode ?? 200);
    const text = typeof answer?.body === 'string' ? answer.body : payload;
    return { status: Number.isInteger(status) ? status : 502, text: text.slice(0, longestText) };
  } catch {
    return { status: 502, text: payload.slice(0, longestText) };
  }
}
