// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { type Environment, Signer } from './aws-signature.ts';
import { parseObject } from './credential-text.ts';
import { type Answer, ask } from './http-request.ts';

export interface AwsRequest {
  readonly service: 'secretsmanager' | 'ssm';
  /** `secretsmanager.GetSecretValue` */
  readonly target: string;
  readonly region: string;
  readonly input: object;
}

export interface AwsCall extends AwsRequest {
  /** For people. */
  readonly title: string;
  /** What is read, for errors: `the secret arn:…`. */
  readonly what: string;
  /** What to look at, by a part of the error's type, in the order of looking. */
  readonly advice: readonly (readonly [part: string, hint: string])[];
}

/**
 * Asks AWS with the function's own role, by a request signed here: an SDK client takes a cold start far longer. Never rejects.
 */
export async function askAws(env: Environment, request: AwsRequest): Promise<Answer & { host: string }> {
  const { service, region, target, input } = request;
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const name = service === 'ssm' ? 'SSM' : 'SECRETS_MANAGER';
  const base =
    env[`AWS_ENDPOINT_URL_${name}`] || env.AWS_ENDPOINT_URL || `https://${service}.${region}.${domain}`;
  const url = new URL('/', base);
  const body = JSON.stringify(input);
  const headers = { host: url.host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
  const answer = await ask(() => {
    const signed = new Signer(env, service, region).signPost(headers, body);
    return { method: 'POST', url: url.href, headers: signed, body };
  });
  return { ...answer, host: url.host };
}

/** @throws Error that names what was read and what to look at, and holds no part of its value */
export async function callAws(env: Environment, call: AwsCall): Promise<Record<string, unknown>> {
  const { host, ...answer } = await askAws(env, call);
  if (answer.status === 200) return parseObject(answer.text);
  throw new Error(`cannot read ${call.what}: ${explain(answer, host, call)}`);
}

function explain({ status, text }: Answer, host: string, { title, advice }: AwsCall): string {
  if (status === 0) {
    const where = `an interface endpoint for ${title} or a NAT gateway, and port 443 open to it`;
    return `${host} cannot be reached (${text}): a function in a VPC needs ${where}`;
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
