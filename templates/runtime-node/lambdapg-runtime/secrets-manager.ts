// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { setTimeout as pause } from 'node:timers/promises';
import { type Environment, Signer } from './aws-signature.ts';
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
  const body = JSON.stringify({ SecretId: arn, VersionStage: 'AWSCURRENT' });
  const headers = {
    host: new URL(url).host,
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'secretsmanager.GetSecretValue',
  };
  try {
    return await post(url, new Signer(env, 'secretsmanager', region).signPost(headers, body), body);
  } catch (error) {
    return { status: 0, text: explainSilence(error as NodeJS.ErrnoException) };
  }
}

/** Not `fetch`, which takes a cold start four times as long; loaded only where there is a secret. */
async function post(url: string, headers: Record<string, string>, body: string): Promise<Answer> {
  const { request } = url.startsWith('http:') ? await import('node:http') : await import('node:https');
  // A connection of its own: a kept one would die unnoticed while the environment is frozen.
  const options = { method: 'POST', headers, agent: false, signal: AbortSignal.timeout(answerWithinMs) };
  return new Promise((resolve, reject) => {
    const sent = request(new URL('/', url), options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
      });
    });
    sent.on('error', reject).end(body);
  });
}

function explainSilence(error: NodeJS.ErrnoException): string {
  if (error.name === 'AbortError') return `no answer within ${answerWithinMs} ms`;
  // Empty where several addresses were tried.
  return error.message || (error.code ?? error.name);
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
