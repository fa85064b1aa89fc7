import {
  CreateIntegrationCommand,
  CreateRouteCommand,
  DeleteIntegrationCommand,
  DeleteRouteCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  type Integration,
  type Route,
  UpdateRouteCommand,
} from '@aws-sdk/client-apigatewayv2';
import type { Difference } from '../../../provision/step.ts';
import type { Aws } from '../clients.ts';
import { functionNameOf } from '../stage.ts';
import { absent, difference } from '../steps/tagged.ts';
import type { AwsStep, World } from '../steps/world.ts';
import type { AliasHave } from './alias-step.ts';
import { liveAlias } from './deployment.ts';
import type { ApiHave } from './http-api.ts';
import { findOnce } from './needs.ts';

/** Ours are told from others by the integration's description: routes have no tags. */
const mark = 'lambdapg: ';

interface Wiring {
  readonly apiId: string;
  readonly integrations: readonly Integration[];
  readonly routes: readonly Route[];
}

/** `GET /books` and the ARN of the alias that serves it. */
type WantedRoutes = ReadonlyMap<string, { readonly functionName: string; readonly uri: string }>;

/**
 * All routes and what they lead to, as one resource: routes name integrations by ids that nobody can look up by name. Routes that
 * a person has added to something else are left alone.
 *
 * @param aliases of the functions that have routes, by name
 */
export function routesStep(
  world: World,
  api: AwsStep<ApiHave>,
  aliases: ReadonlyMap<string, AwsStep<AliasHave>>,
): AwsStep<Wiring> {
  const { aws } = world;
  return {
    id: 'http-routes',
    title: `routes of the HTTP API (${[...aliases.keys()].join(', ')})`,
    needs: [api, ...aliases.values()],
    async find(look) {
      const found = await findOnce(look, api);
      if (found.state !== 'ready') return absent;
      const have = await readWiring(aws, found.have.apiId);
      if (have.routes.every((route) => !isOurs(have, route))) return absent;
      const differences = differencesOf(have, await wantedRoutes(world, aliases));
      return differences.length === 0 ? { state: 'ready', have } : { state: 'drifted', have, differences };
    },
    async create(haves) {
      await rewire(world, await readWiring(aws, haves.get(api).apiId), await wantedRoutes(world, aliases));
    },
    async update(_have, haves) {
      await rewire(world, await readWiring(aws, haves.get(api).apiId), await wantedRoutes(world, aliases));
    },
  };
}

export async function aliasArn({ aws, stage }: World, name: string): Promise<string> {
  const { account, partition } = await aws.identity();
  return `arn:${partition}:lambda:${aws.region}:${account}:function:${functionNameOf(stage, name)}:${liveAlias}`;
}

async function wantedRoutes(world: World, aliases: ReadonlyMap<string, unknown>): Promise<WantedRoutes> {
  const wanted = new Map<string, { functionName: string; uri: string }>();
  for (const functionName of aliases.keys()) {
    const uri = await aliasArn(world, functionName);
    for (const key of world.stage.config.functions[functionName]?.routes ?? [])
      wanted.set(key, { functionName, uri });
  }
  return wanted;
}

async function readWiring({ read }: Aws, apiId: string): Promise<Wiring> {
  const [integrations, routes] = await Promise.all([
    pagesOf((page) => read.apigateway.send(new GetIntegrationsCommand({ ApiId: apiId, ...page }))),
    pagesOf((page) => read.apigateway.send(new GetRoutesCommand({ ApiId: apiId, ...page }))),
  ]);
  return { apiId, integrations, routes };
}

async function pagesOf<T>(
  ask: (page: { NextToken?: string; MaxResults: string }) => Promise<{
    Items?: T[] | undefined;
    NextToken?: string | undefined;
  }>,
): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  do {
    const { Items = [], NextToken } = await ask({
      MaxResults: '100',
      ...(token !== undefined && { NextToken: token }),
    });
    all.push(...Items);
    token = NextToken;
  } while (token !== undefined);
  return all;
}

const targetOf = ({ IntegrationId }: Integration): string => `integrations/${IntegrationId}`;

const integrationOf = ({ integrations }: Wiring, route: Route): Integration | undefined =>
  integrations.find((one) => targetOf(one) === route.Target);

const isOurs = (wiring: Wiring, route: Route): boolean =>
  integrationOf(wiring, route)?.Description?.startsWith(mark) === true;

function differencesOf(have: Wiring, wanted: WantedRoutes): Difference[] {
  const wrong = [...wanted].flatMap(([key, { functionName, uri }]) => {
    const route = have.routes.find(({ RouteKey }) => RouteKey === key);
    const now = route === undefined ? undefined : integrationOf(have, route);
    if (now?.IntegrationUri === uri) return [];
    const shown = route === undefined ? 'missing' : (now?.IntegrationUri ?? 'nothing');
    return [difference(`route ${key}`, shown, functionName, true)];
  });
  const unwanted = have.routes.filter((route) => isOurs(have, route) && !wanted.has(route.RouteKey ?? ''));
  return [
    ...wrong,
    ...unwanted.map(({ RouteKey }) => difference(`route ${RouteKey}`, 'present', 'removed', true)),
  ];
}

/** Adds what is missing before it takes away what is not wanted: a request finds its route at any time. */
async function rewire({ aws, stage }: World, have: Wiring, wanted: WantedRoutes): Promise<void> {
  const { apigateway } = aws.write;
  const ApiId = have.apiId;
  const targets = new Map<string, string>();
  for (const { functionName, uri } of wanted.values()) {
    if (targets.has(uri)) continue;
    const known = have.integrations.find(
      (one) => one.IntegrationUri === uri && one.Description?.startsWith(mark),
    );
    const made =
      known ??
      (await apigateway.send(
        new CreateIntegrationCommand({
          ApiId,
          IntegrationType: 'AWS_PROXY',
          IntegrationUri: uri,
          PayloadFormatVersion: '2.0',
          Description: `${mark}${functionNameOf(stage, functionName)}`,
        }),
      ));
    targets.set(uri, targetOf(made));
  }
  for (const [RouteKey, { uri }] of wanted) {
    const Target = targets.get(uri);
    const route = have.routes.find((one) => one.RouteKey === RouteKey);
    if (route === undefined) await apigateway.send(new CreateRouteCommand({ ApiId, RouteKey, Target }));
    else if (route.Target !== Target)
      await apigateway.send(new UpdateRouteCommand({ ApiId, RouteId: route.RouteId, Target }));
  }
  for (const route of have.routes) {
    if (isOurs(have, route) && !wanted.has(route.RouteKey ?? ''))
      await apigateway.send(new DeleteRouteCommand({ ApiId, RouteId: route.RouteId }));
  }
  for (const { IntegrationId, IntegrationUri = '', Description } of have.integrations) {
    if (Description?.startsWith(mark) && !targets.has(IntegrationUri))
      await apigateway.send(new DeleteIntegrationCommand({ ApiId, IntegrationId }));
  }
}
