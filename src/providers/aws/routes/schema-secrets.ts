import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { askAws } from '../../../../templates/runtime-node/lambdapg-runtime/aws-call.ts';
import type { Environment } from '../../../../templates/runtime-node/lambdapg-runtime/aws-signature.ts';
import { parseObject } from '../../../../templates/runtime-node/lambdapg-runtime/credential-text.ts';
import { UserError } from '../../../errors.ts';
import { Secret } from '../../../secret.ts';
import { type Login, secretText } from '../steps/login.ts';

/*
 * Secrets Manager for the function that brings a schema up to date: by the functions' connection runtime, without an SDK.
 */

/** Each of them asks twice. */
const attempts = 3;
const firstPauseMs = 300;

/** @returns undefined while nobody has put a value in; @throws UserError SECRET_UNREADABLE */
export async function findSecretLogin(env: Environment, arn: string): Promise<Login | undefined> {
  const { status, body } = await call(env, arn, 'GetSecretValue', { VersionStage: 'AWSCURRENT' });
  if (status !== 200) {
    // Said of a secret that is empty and of one that is not there: writing to it tells the two apart.
    if (typeOf(body) === 'ResourceNotFoundException') return undefined;
    throw unreadable(arn, saidBy(body));
  }
  return parseLogin(arn, body.SecretString);
}

/**
 * Gives an empty secret its first value, and leaves any other alone.
 *
 * @returns what it holds now
 * @throws UserError SECRET_UNREADABLE
 */
export async function ensureSecretLogin(env: Environment, arn: string, make: () => Login): Promise<Login> {
  const found = await findSecretLogin(env, arn);
  if (found !== undefined) return found;
  const login = make();
  const { status, body } = await call(env, arn, 'PutSecretValue', {
    // One token for the first value, whoever writes it: of two writers the second is refused.
    ClientRequestToken: createHash('sha256').update(`first value of ${arn}`).digest('hex').slice(0, 32),
    SecretString: secretText(login),
  });
  if (status === 200) return login;
  const other = typeOf(body) === 'ResourceExistsException' ? await findSecretLogin(env, arn) : undefined;
  if (other !== undefined) return other;
  throw unreadable(arn, saidBy(body));
}

interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const typeOf = ({ __type }: Reply['body']): string => String(__type ?? '').replace(/^.*#/, '');
const saidBy = (body: Reply['body']): string => `${typeOf(body)} ${body.message ?? body.Message ?? ''}`;

async function call(
  env: Environment,
  arn: string,
  action: 'GetSecretValue' | 'PutSecretValue',
  input: object,
): Promise<Reply> {
  const [, , , region = ''] = arn.split(':');
  const target = `secretsmanager.${action}`;
  const request = { service: 'secretsmanager', region, target, input: { SecretId: arn, ...input } } as const;
  for (let attempt = 1; ; attempt += 1) {
    const { status, text, host } = await askAws(env, request);
    const reply = { status, body: parseObject(text) };
    const isPassing = status === 0 || status === 429 || status >= 500;
    if (!isPassing && typeOf(reply.body) !== 'ThrottlingException') return reply;
    if (attempt === attempts)
      throw unreadable(arn, status === 0 ? `${host} cannot be reached (${text})` : `HTTP ${status}`);
    await sleep(firstPauseMs * 2 ** attempt * (0.5 + Math.random() / 2));
  }
}

function parseLogin(arn: string, text: unknown): Login {
  const { username, password } = parseObject(typeof text === 'string' ? text : '');
  if (typeof username === 'string' && typeof password === 'string' && username !== '' && password !== '')
    return { username, password: new Secret(password) };
  throw unreadable(arn, 'it is no JSON with username and password');
}

const unreadable = (arn: string, why: string): UserError =>
  new UserError('SECRET_UNREADABLE', `secret ${arn}: ${why.trim()}`, {
    suggestions: [
      "the function's role needs secretsmanager:GetSecretValue and PutSecretValue, its network a way to Secrets Manager",
    ],
  });
