import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `GET /addons/<id>/config` of Heroku's Platform API, as its reference describes it. */
export interface HerokuApi {
  /** Where to put it: LAMBDAPG_HEROKU_API_URL. */
  readonly url: string;
  /** The keys that are valid now. */
  readonly keys: Set<string>;
  /** What an add-on's config holds now, by its name or id. */
  readonly configs: Record<string, readonly { readonly name: string; readonly value: string }[]>;
  /** `<status> <path>` of each request. */
  readonly answered: string[];
  close(): Promise<void>;
}

export async function startHerokuApi(): Promise<HerokuApi> {
  const server = createServer((request, response) => {
    const [status, body] = answer(request.method, request.url ?? '', request.headers);
    api.answered.push(`${status} ${request.url}`);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const api: HerokuApi = {
    ...{ url: `http://127.0.0.1:${port}`, keys: new Set(), configs: {}, answered: [] },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  function answer(
    method: string | undefined,
    path: string,
    { accept, authorization = '' }: { accept?: string | undefined; authorization?: string | undefined },
  ): [status: number, body: unknown] {
    if (accept !== 'application/vnd.heroku+json; version=3')
      return [400, { id: 'bad_request', message: 'No version of the API is named.' }];
    if (!api.keys.has(authorization.replace(/^Bearer /, '')))
      return [401, { id: 'unauthorized', message: 'Invalid credentials provided.' }];
    const [, addon = ''] = /^\/addons\/([^/]+)\/config$/.exec(path) ?? [];
    const config = method === 'GET' ? api.configs[decodeURIComponent(addon)] : undefined;
    return config === undefined
      ? [404, { id: 'not_found', message: "Couldn't find that add-on." }]
      : [200, config];
  }
  return api;
}
