import * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { nameOf, prefixOf, tag } from './names.ts';
import { project } from './project.ts';

/** A function's policy has room for 20 kB, about 50 routes with a statement each. */
const mostStatements = 30;

/** What calls the functions: one HTTP API for all routes of `lambdapg.json`, and its schedules. */
export class Callers extends Construct {
  /** Absent when no function has a route. */
  readonly url?: string;

  constructor(scope: Construct, id: string, aliases: ReadonlyMap<string, lambda.Alias>) {
    super(scope, id);
    for (const [name, alias] of aliases) this.#schedule(name, alias);
    const routed = [...aliases].filter(([name]) => routesOf(name).length > 0);
    if (routed.length === 0) return;
    const api = new apigateway.HttpApi(this, 'Api', {
      apiName: prefixOf(this),
      description: `HTTP API of ${project.name}`,
    });
    tag(api, 'http-api');
    for (const [name, alias] of routed) addRoutes(api, name, alias);
    this.url = api.apiEndpoint;
  }

  #schedule(name: string, alias: lambda.Alias): void {
    const expression = project.functions[name]?.schedule;
    if (expression === undefined) return;
    const rule = new events.Rule(this, `${name}-schedule`, {
      ruleName: nameOf(this, name),
      description: `schedule of ${name}`,
      schedule: events.Schedule.expression(expression),
      targets: [new targets.LambdaFunction(alias)],
    });
    tag(rule, `schedule-${name}`);
  }
}

const routesOf = (name: string): readonly string[] => project.functions[name]?.routes ?? [];

function addRoutes(api: apigateway.HttpApi, name: string, alias: lambda.Alias): void {
  const routes = routesOf(name);
  const integration = new HttpLambdaIntegration(name, alias, {
    scopePermissionToRoute: routes.length <= mostStatements,
  });
  for (const route of routes) {
    const [method = '', path] = route.split(' ');
    const routeKey =
      path === undefined
        ? apigateway.HttpRouteKey.DEFAULT
        : apigateway.HttpRouteKey.with(path, method as apigateway.HttpMethod);
    new apigateway.HttpRoute(api, route, { httpApi: api, routeKey, integration });
  }
}
