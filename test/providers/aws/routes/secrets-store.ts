import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** Secrets Manager, as far as the schema's function uses it: containers that may be empty, and what was asked of them. */
export interface SecretsStore {
  readonly url: string;
  /** By ARN; undefined is an empty container. */
  readonly values: Map<string, string | undefined>;
  /** ARNs that were written. */
  readonly written: string[];
  /** Called before each answer. */
  onCall?: (action: string, arn: string) => void;
  close(): Promise<void>;
}

interface Asked {
  readonly SecretId: string;
  readonly SecretString?: string;
  readonly ClientRequestToken?: string;
}

export async function startSecretsStore(arns: readonly string[]): Promise<SecretsStore> {
  const tokens = new Set<string>();
  const server = createServer(async (request, response) => {
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const asked = (await json(request)) as Asked;
    store.onCall?.(action, asked.SecretId);
    const [status, body] = answer(action, asked);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  });
  const answer = (action: string, { SecretId, ...asked }: Asked): [number, object] => {
    if (!store.values.has(SecretId)) return refuse('ResourceNotFoundException', 'no such secret');
    if (action === 'GetSecretValue') {
      const SecretString = store.values.get(SecretId);
      return SecretString === undefined
        ? refuse(
            'ResourceNotFoundException',
            "can't find the specified secret value for staging label: AWSCURRENT",
          )
        : [200, { ARN: SecretId, SecretString }];
    }
    // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html, ClientRequestToken
    const token = `${SecretId} ${asked.ClientRequestToken}`;
    if (tokens.has(token)) return refuse('ResourceExistsException', 'a version of that token exists');
    tokens.add(token);
    store.written.push(SecretId);
    store.values.set(SecretId, asked.SecretString);
    return [200, { ARN: SecretId }];
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const store: SecretsStore = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    values: new Map(arns.map((arn) => [arn, undefined])),
    written: [],
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return store;
}

const refuse = (__type: string, message: string): [number, object] => [400, { __type, message }];
