import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { newTraceId } from '../../../src/local/lambda/environment-pool.ts';
import { httpEvent, splitUrl } from '../../../src/local/lambda/http-event.ts';
import { gatewayMessage, type HttpResponse, httpResponse } from '../../../src/local/lambda/http-response.ts';
import { matchRoute, type RouteMatch } from '../../../src/local/lambda/match-route.ts';
import type { Bed, HookCall, HookReply } from '../bed.ts';
import { type Functions, NoFunction } from './functions.ts';

interface Route {
  readonly RouteKey: string;
  readonly Target?: string;
}

interface Integration {
  readonly IntegrationId: string;
  readonly IntegrationUri?: string;
  readonly TimeoutInMillis?: number;
}

interface Stage {
  readonly StageName: string;
}

interface Served {
  readonly url: string;
  readonly server: Server;
}

const internalError = () => gatewayMessage(500, 'Internal Server Error');

/** HTTP APIs of API Gateway that answer: at a URL of this computer, by the functions behind their routes. */
export class HttpApis {
  static readonly hooks = ['CreateApi', 'GetApi', 'GetApis', 'UpdateApi', 'DeleteApi'].map(
    (action) => `apigatewayv2:${action}`,
  );
  readonly #bed: Bed;
  readonly #functions: Functions;
  readonly #served = new Map<string, Promise<Served>>();

  constructor(bed: Bed, functions: Functions) {
    this.#bed = bed;
    this.#functions = functions;
  }

  async handle({ action, input, output = {} }: HookCall): Promise<HookReply | undefined> {
    if (action === 'DeleteApi') {
      await this.#remove(String(input.ApiId));
      return undefined;
    }
    if (!Array.isArray(output.Items)) return { output: await this.#atOwnUrl(output) };
    const items = (output.Items as Record<string, unknown>[]).map((item) => this.#atOwnUrl(item));
    return { output: { ...output, Items: await Promise.all(items) } };
  }

  async stop(): Promise<void> {
    for (const id of [...this.#served.keys()]) await this.#remove(id);
  }

  async #remove(id: string): Promise<void> {
    const served = await this.#served.get(id);
    this.#served.delete(id);
    served?.server.close();
    served?.server.closeAllConnections();
  }

  async #atOwnUrl(api: Record<string, unknown>): Promise<Record<string, unknown>> {
    const id = String(api.ApiId);
    let served = this.#served.get(id);
    if (served === undefined) {
      served = this.#serve(id);
      this.#served.set(id, served);
    }
    return { ...api, ApiEndpoint: (await served).url };
  }

  async #serve(id: string): Promise<Served> {
    const server = createServer((request, response) => {
      this.#respond(id, request).then(
        (answer) => send(response, answer),
        (error: unknown) => send(response, gatewayMessage(500, `the bed failed: ${error}`)),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.unref();
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  async #respond(id: string, request: IncomingMessage): Promise<HttpResponse> {
    const ask = <Item>(action: string) =>
      this.#bed
        .aws<{ Items: Item[] }>({ service: 'apigatewayv2', action, input: { ApiId: id } })
        .then(({ Items }) => Items);
    const body = await buffer(request);
    const [routes, integrations, stages] = await Promise.all([
      ask<Route>('GetRoutes'),
      ask<Integration>('GetIntegrations'),
      ask<Stage>('GetStages'),
    ]);
    const { path } = splitUrl(request.url ?? '/');
    const placed = inStage(stages, path);
    const known = routes.map(({ RouteKey, Target = '' }) => ({ key: RouteKey, functionName: Target }));
    const method = request.method ?? 'GET';
    const match = placed && matchRoute(known, method, placed.path);
    if (placed === undefined || match === undefined) return gatewayMessage(404, 'Not Found');
    const integration = integrations.find(
      ({ IntegrationId }) => match.route.functionName === `integrations/${IntegrationId}`,
    );
    const arn = functionOf(integration?.IntegrationUri ?? '');
    const pattern = match.route.key.replace(/^\S+ /, '');
    // The default route has no method in its ARN: github.com/aws/serverless-application-model/issues/1860
    const end = match.route.key === '$default' ? '$default' : `${method}${pattern}`;
    const source = `arn:aws:execute-api:${this.#bed.region}:${this.#bed.account}:${id}/${placed.stage}/${end}`;
    if (arn === undefined || !(await this.#mayInvoke(arn, source))) return internalError();
    const event = this.#event(id, placed.stage, request, body, match);
    return this.#invoke(arn, Buffer.from(JSON.stringify(event)), integration?.TimeoutInMillis ?? 30_000);
  }

  #event(id: string, stage: string, request: IncomingMessage, body: Buffer, match: RouteMatch): object {
    const event = httpEvent(
      {
        ...{ method: request.method ?? 'GET', url: request.url ?? '/', rawHeaders: request.rawHeaders, body },
        httpVersion: request.httpVersion,
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        port: request.socket.localPort ?? 0,
        traceId: newTraceId(),
      },
      match,
    ) as { readonly requestContext: object };
    const requestContext = { ...event.requestContext, accountId: this.#bed.account, apiId: id, stage };
    return { ...event, requestContext };
  }

  async #invoke(arn: string, payload: Buffer, limitMs: number): Promise<HttpResponse> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, limitMs, undefined).unref();
    });
    try {
      const result = await Promise.race([this.#functions.invoke({ name: arn, payload }), tooLate]);
      if (result === undefined || 'throttled' in result) return gatewayMessage(503, 'Service Unavailable');
      return result.failure === undefined ? httpResponse(result.payload) : internalError();
    } catch (error) {
      if (error instanceof NoFunction) return internalError();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether a statement of the resource policy lets API Gateway invoke this version or alias for this route. */
  async #mayInvoke(arn: string, source: string): Promise<boolean> {
    const [, name = '', qualifier] = /:function:([\w-]+)(?::([\w$-]+))?$/.exec(arn) ?? [];
    const input = { FunctionName: name, ...(qualifier !== undefined && { Qualifier: qualifier }) };
    const call = { service: 'lambda', action: 'GetPolicy', input, plain: false };
    const found = await this.#bed.aws<{ Policy?: string }>(call).catch(() => ({ Policy: undefined }));
    const { Statement = [] } = JSON.parse(found.Policy ?? '{}') as {
      readonly Statement?: readonly Statement[];
    };
    return Statement.some((statement) => allows(statement, arn, source));
  }
}

interface Statement {
  readonly Effect: string;
  readonly Principal: string | { readonly Service?: string };
  readonly Action: string;
  readonly Resource: string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

function allows(
  { Effect, Principal, Action, Resource, Condition }: Statement,
  arn: string,
  source: string,
): boolean {
  const service = typeof Principal === 'string' ? Principal : Principal.Service;
  if (Effect !== 'Allow' || service !== 'apigateway.amazonaws.com') return false;
  if (!['lambda:InvokeFunction', 'lambda:*'].includes(Action) || Resource !== arn) return false;
  const wanted = Condition?.ArnLike?.['AWS:SourceArn'] ?? Condition?.ArnLike?.['aws:SourceArn'];
  return wanted === undefined || isLike(source, wanted);
}

function isLike(text: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(text);
}

/** A path begins with the name of its stage, unless that is `$default`. */
function inStage(stages: readonly Stage[], path: string): { stage: string; path: string } | undefined {
  const named = stages.find(({ StageName }) => path === `/${StageName}` || path.startsWith(`/${StageName}/`));
  if (named !== undefined)
    return { stage: named.StageName, path: path.slice(named.StageName.length + 1) || '/' };
  return stages.some(({ StageName }) => StageName === '$default') ? { stage: '$default', path } : undefined;
}

/** An integration names the function by its ARN, or by the path of Lambda's API. */
function functionOf(uri: string): string | undefined {
  return /arn:aws:lambda:[^/]*:function:[\w:$-]+/.exec(uri)?.[0];
}

function send(response: ServerResponse, answer: HttpResponse): void {
  response.writeHead(answer.status, {
    ...(answer.headers as Record<string, string | string[]>),
    'content-length': answer.body.length,
  });
  response.end(answer.body);
}
