// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { setTimeout as pause } from 'node:timers/promises';
import { awsSigner, type Environment } from './aws-request.ts';
import type { Credentials } from './credentials.ts';

/** For one try, from the name to the last byte. The answer takes some 10 ms; a missing route never answers. */
const answerWithinMs = 3_000;
const pauseMs = 100;

interface Answer {
  /** 0: there was none. */
  readonly status: number;
  readonly text: string;
}

/**
 * Asks Secrets Manager for the version AWSCURRENT of a secret, twice where the first try failed in passing.
 *
 * @throws Error that names the secret and what to look at, and holds no part of its value
 */
export async function readSecret(env: Environment, arn: string): Promise<Credentials> {
  const [, partition = '', , region = ''] = arn.split(':');
  const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url =
    env.AWS_ENDPOINT_URL_SECRETS_MANAGER ||
    env.AWS_ENDPOINT_URL ||
    `https://secretsmanager.${region}.${domain}`;
  let answer = await ask(env, url, region, arn);
  if (isPassing(answer)) {
    await pause(pauseMs * (1 + Math.random()));
    answer = await ask(env, url, region, arn);
  }
  if (answer.status !== 200) throw new Error(`cannot read the secret ${arn}: ${explain(answer, url)}`);
  const credentials = parseSecret(answer.text);
  if (credentials === undefined) throw new Error(`the secret ${arn} is no JSON with username and password`);
  return credentials;
}

async function ask(env: Environment, url: string, region: string, arn: string): Promise<Answer> {
  const signer = awsSigner(env, {
    ...{ method: 'POST', url, region, service: 'secretsmanager', allHeaders: true },
    body: JSON.stringify({ SecretId: arn, VersionStage: 'AWSCURRENT' }),
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'secretsmanager.GetSecretValue',
    },
  });
  const { method, headers, body } = await signer.sign();
  try {
    const signal = AbortSignal.timeout(answerWithinMs);
    const response = await fetch(signer.url, { method, headers, body: body as string, signal });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { status: 0, text: explainSilence(error) };
  }
}

function explainSilence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${answerWithinMs} ms`;
  // fetch hides the reason: `fetch failed`.
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function isPassing({ status, text }: Answer): boolean {
  return status === 0 || status === 429 || status >= 500 || /Throttling|TooManyRequests/.test(text);
}

/** By the type of the error, in the order of looking. */
const advice = [
  [
    'AccessDenied',
    "the function's role needs secretsmanager:GetSecretValue on it, and kms:Decrypt where it has a key of its own",
  ],
  ['ResourceNotFound', 'there is no such secret, or no version of it is labelled AWSCURRENT'],
  ['InvalidRequest', 'it may be scheduled for deletion'],
  ['Decryption', "the function's role needs kms:Decrypt on the secret's key"],
] as const;

function explain({ status, text }: Answer, url: string): string {
  if (status === 0) {
    const where = 'an interface endpoint for Secrets Manager or a NAT gateway, and port 443 open to it';
    return `${new URL(url).host} cannot be reached (${text}): a function in a VPC needs ${where}`;
  }
  const { type = '', message = '' } = parseFault(text);
  const hint = advice.find(([part]) => type.includes(part))?.[1];
  const said = [`HTTP ${status}`, type, message].filter((part) => part !== '').join(' ');
  return hint === undefined ? said : `${said}: ${hint}`;
}

function parseFault(text: string): { type?: string; message?: string } {
  const fault = parseObject(text);
  const { __type: type, message = fault.Message } = fault;
  return {
    ...(typeof type === 'string' && { type: type.replace(/^.*#/, '') }),
    ...(typeof message === 'string' && { message: message.slice(0, 300) }),
  };
}

/** The form that RDS manages has these two alone; host, port and database are the environment's. */
function parseSecret(text: string): Credentials | undefined {
  const { SecretString: json } = parseObject(text);
  const { username: user, password } = parseObject(typeof json === 'string' ? json : '');
  const isComplete =
    typeof user === 'string' && typeof password === 'string' && user !== '' && password !== '';
  return isComplete ? { user, password } : undefined;
}

/** The parser's own error would quote what it could not parse: a secret. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
