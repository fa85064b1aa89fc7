import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export const testAwsEnvironment = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'ASIATESTTESTTESTTEST',
  AWS_SECRET_ACCESS_KEY: 'canary-key/+=',
  AWS_SESSION_TOKEN: 'session/+= token',
};
export const testSecretArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:library/a-AbCdEf';

export interface SecretsAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Secrets Manager's GetSecretValue and Systems Manager's GetParameter over HTTP, for one value each; a request that is not
 * signed as it must be gets 400.
 */
export interface SecretsEndpoint {
  /** Where to put it: AWS_ENDPOINT_URL_SECRETS_MANAGER. */
  readonly url: string;
  /** The bodies of the requests that were signed well. */
  readonly asked: unknown[];
  /** Why the others were refused. */
  readonly refused: string[];
  /** What GetSecretValue gives from now on, as it stands in SecretString; GetParameter as well. */
  secret: string;
  /** The same of other secrets, by ARN. */
  readonly secrets: Record<string, string>;
  /** The versions that are labelled otherwise; without one: ResourceNotFoundException. */
  readonly stages: Partial<Record<string, string>>;
  /** How far a signature's date may be from now: AWS's 300,000 unless a test moves the clock. */
  clockToleranceMs: number;
  /** Answers the next requests for the current value, one each, instead; 'silence' never does. */
  readonly instead: (SecretsAnswer | 'silence')[];
  /** Hangs up on the requests that were not answered. */
  endSilence(): void;
  close(): Promise<void>;
}

export async function startSecretsEndpoint(secret = ''): Promise<SecretsEndpoint> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const silent: ServerResponse[] = [];
  const endpoint: SecretsEndpoint = {
    ...{ url: `http://127.0.0.1:${port}`, asked: [], refused: [] },
    ...{ secret, secrets: {}, stages: {}, instead: [], clockToleranceMs: 300_000 },
    endSilence: () => {
      for (const response of silent.splice(0)) response.destroy();
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const fault = findSignatureFault(request, body, endpoint.clockToleranceMs);
    if (fault !== undefined) {
      endpoint.refused.push(fault);
      const text = JSON.stringify({ __type: 'InvalidSignatureException', message: fault });
      response.writeHead(400).end(text);
      return;
    }
    const asked = JSON.parse(body.toString()) as Asked;
    endpoint.asked.push(asked);
    const stage = asked.VersionStage ?? 'AWSCURRENT';
    const instead = stage === 'AWSCURRENT' ? endpoint.instead.shift() : undefined;
    if (instead === 'silence') return void silent.push(response);
    const { status, body: text } = instead ?? answerOf(endpoint, asked, stage);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(text);
  }
  return endpoint;
}

interface Asked {
  readonly SecretId?: string;
  readonly VersionStage?: string;
  readonly Name?: string;
}

function answerOf({ secret, secrets, stages }: SecretsEndpoint, asked: Asked, stage: string): SecretsAnswer {
  const { SecretId: id = '', Name: name } = asked;
  if (name !== undefined)
    return {
      status: 200,
      body: JSON.stringify({ Parameter: { Name: name, Type: 'SecureString', Value: secret } }),
    };
  const text = stage === 'AWSCURRENT' ? (secrets[id] ?? secret) : stages[stage];
  if (text !== undefined)
    return { status: 200, body: JSON.stringify({ ARN: id, SecretString: text, VersionStages: [stage] }) };
  const message = `Secrets Manager can't find the specified secret value for staging label: ${stage}`;
  return { status: 400, body: JSON.stringify({ __type: 'ResourceNotFoundException', message }) };
}

const targets: Readonly<Record<string, string>> = {
  secretsmanager: 'secretsmanager.GetSecretValue',
  ssm: 'AmazonSSM.GetParameter',
};

/** Signature Version 4 made again, after the IAM User Guide; the SDK's own client is tested against it. */
function findSignatureFault(
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  toleranceMs: number,
): string | undefined {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = testAwsEnvironment;
  const [, key, day = '', region, service = '', names = '', given] =
    /^AWS4-HMAC-SHA256 Credential=(.+?)\/(\d{8})\/(.+?)\/(.+?)\/aws4_request, SignedHeaders=(.+?), Signature=(\w+)$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const date = headers['x-amz-date'] as string | undefined;
  if (key !== AWS_ACCESS_KEY_ID) return `key ${key}`;
  const target = targets[service];
  if (region !== AWS_REGION || target === undefined) return `scope ${region}/${service}`;
  if (headers['x-amz-security-token'] !== AWS_SESSION_TOKEN) return 'session token';
  if (headers['x-amz-target'] !== target) return 'target';
  if (headers['content-type'] !== 'application/x-amz-json-1.1') return 'content type';
  if (date === undefined || Math.abs(Date.now() - parseDate(date)) > toleranceMs) return `date ${date}`;
  const signed = names.split(';');
  for (const name of ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']) {
    if (!signed.includes(name)) return `${name} is not signed`;
  }
  const request = [method, url, '', ...canonical(headers, signed), '', names, hash(body)].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const signingKey = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    Buffer.from(`AWS4${AWS_SECRET_ACCESS_KEY}`),
  );
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash(request)}`;
  const expected = createHmac('sha256', signingKey).update(text).digest('hex');
  return given === expected ? undefined : 'signature';
}

const canonical = (headers: IncomingHttpHeaders, names: readonly string[]): string[] =>
  names.map((name) => `${name}:${String(headers[name]).trim().replace(/\s+/g, ' ')}`);

const hash = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

const parseDate = (text: string): number =>
  Date.parse(text.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
