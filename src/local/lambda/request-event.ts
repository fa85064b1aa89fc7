import type { ProjectConfig } from '../../project/config-schema.ts';
import { httpEvent, splitUrl } from './http-event.ts';
import { matchRoute, type Route } from './match-route.ts';

/** A request, and the function whose route it fits. */
export interface RequestEvent {
  readonly functionName: string;
  readonly event: object;
}

/**
 * The payload 2.0 event that a project's HTTP API would make of a request, for an invocation that goes past it.
 *
 * @param url path and query string
 * @param body JSON; absent for none
 */
export function requestEvent(
  { functions }: Pick<ProjectConfig, 'functions'>,
  method: string,
  url: string,
  body?: string,
): RequestEvent | undefined {
  const routes: Route[] = Object.entries(functions).flatMap(([functionName, config]) =>
    config.routes.map((key) => ({ key, functionName })),
  );
  const match = matchRoute(routes, method, splitUrl(url).path);
  if (match === undefined) return undefined;
  const request = {
    ...{ method, url, httpVersion: '1.1', sourceIp: '127.0.0.1', port: 443 },
    rawHeaders: [
      ...['host', 'localhost', 'user-agent', 'lambdapg'],
      ...(body === undefined ? [] : ['content-type', 'application/json']),
    ],
    body: Buffer.from(body ?? ''),
    traceId: 'Root=1-00000000-000000000000000000000000',
  };
  return { functionName: match.route.functionName, event: httpEvent(request, match) };
}

/** The request by which a deployment is judged; undefined when no route serves the health path. */
export function healthRequest(
  config: Pick<ProjectConfig, 'functions' | 'cloud'>,
): (RequestEvent & { readonly path: string }) | undefined {
  const path = config.cloud.healthPath;
  const request = requestEvent(config, 'GET', path);
  return request === undefined ? undefined : { ...request, path };
}
