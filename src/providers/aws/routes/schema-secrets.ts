import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Environment,
  Signer,
} from '../../../../templates/runtime-node/lambdapg-runtime/aws-signature.ts';
import { errorMessage, UserError } from '../../../errors.ts';
import { Secret } from '../../../secret.ts';
import { type Login, secretText } from '../steps/login.ts';

/*
 * Secrets Manager for the function that brings a schema up to date: it has the same signature as the functions' connection runtime
 * and no SDK.
 */

const attempts = 4;
const firstPauseMs = 300;
/** For one attempt. A missing endpoint never answers. */
const answerWithinMs = 5_000;

/** @returns undefined while nobody has put a value in; @throws UserError SECRET_UNREADABLE */
export async function findSecretLogin(env: Environment, arn: string): Promise<Login | undefined> {
  const { status, body } = await call(env, arn, 'GetSecretValue', { VersionStage: 'AWSCURRENT' });
  if (status !== 200) {
    // Said of a secret that is empty and of one that is not there: writing to it tells the two apart.
    if (typeOf(body) === 'ResourceNotFoundException') return undefined;
    throw unreadable(arn, `${typeOf(body)} ${body.message ?? body.Message ?? ''}`);
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
  throw unreadable(arn, `${typeOf(body)} ${body.message ?? body.Message ?? ''}`);
}

interface Body {
  readonly SecretString?: string;
  readonly __type?: string;
  readonly message?: string;
  readonly Message?: string;
}

const typeOf = ({ __type = '' }: Body): string => __type.replace(/^.*#/, '');

async function call(
  env: Environment,
  arn: string,
  action: 'GetSecretValue' | 'PutSecretValue',
  input: object,
): Promise<{ readonly status: number; readonly body: Body }> {
  const [, partition = '', , region = ''] = arn.split(':');
  const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url =
    env.AWS_ENDPOINT_URL_SECRETS_MANAGER ||
    env.AWS_ENDPOINT_URL ||
    `https://secretsmanager.${region}.${domain}`;
  const body = JSON.stringify({ SecretId: arn, ...input });
  for (let attempt = 1; ; attempt += 1) {
    const answer = await ask(env, url, region, action, body);
    const passing = answer.status === 0 || answer.status === 429 || answer.status >= 500;
    if (!passing && typeOf(answer.body) !== 'ThrottlingException') return answer;
    if (attempt === attempts) throw unreadable(arn, answer.body.message ?? `HTTP ${answer.status}`);
    await sleep(firstPauseMs * 2 ** attempt * (0.5 + Math.random() / 2));
  }
}

async function ask(
  env: Environment,
  url: string,
  region: string,
  action: string,
  body: string,
): Promise<{ status: number; body: Body }> {
  const headers = {
    host: new URL(url).host,
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `secretsmanager.${action}`,
  };
  try {
    const signed = new Signer(env, 'secretsmanager', region).signPost(headers, body);
    const signal = AbortSignal.timeout(answerWithinMs);
    const response = await fetch(new URL('/', url), { method: 'POST', headers: signed, body, signal });
    return { status: response.status, body: parseBody(await response.text()) };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const message = `${new URL(url).host} cannot be reached (${errorMessage(cause)})`;
    return { status: 0, body: { message } };
  }
}

/** The parser's own error would quote what it could not parse: a secret. */
function parseBody(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return {};
  }
}

function parseLogin(arn: string, text = ''): Login {
  const { username, password } = parseBody(text) as { username?: unknown; password?: unknown };
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
