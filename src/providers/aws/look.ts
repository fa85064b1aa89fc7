import { type Api, type ApiGatewayV2Client, GetApisCommand } from '@aws-sdk/client-apigatewayv2';
import { DescribeLogGroupsCommand, type LogGroup } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeAddressesCommand,
  DescribeInternetGatewaysCommand,
  DescribeNatGatewaysCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
  type Filter,
} from '@aws-sdk/client-ec2';
import { GetAccountSettingsCommand, GetFunctionCommand } from '@aws-sdk/client-lambda';
import { ListSecretsCommand, type SecretListEntry } from '@aws-sdk/client-secrets-manager';
import type { Aws } from './clients.ts';
import {
  describeCluster,
  describeInstance,
  describeProxy,
  describeProxyTargets,
  listRdsTags,
} from './describe-database.ts';
import { unlessGone } from './judge.ts';
import { isOurs, type Stage } from './stage.ts';

/**
 * One view of what the stage has: each kind is listed once, at first use, and shared by all who ask. Take a new one to
 * look again.
 */
export type Look = ReturnType<typeof takeLook>;

export function takeLook(aws: Aws, stage: Stage) {
  const { apigateway, ec2, lambda, logs, secrets } = aws.read;
  const ours: Filter[] = [
    { Name: 'tag:lambdapg:project', Values: [stage.project] },
    { Name: 'tag:lambdapg:stage', Values: [stage.stage] },
  ];
  const pages = pager(ours, stage);
  return {
    vpcs: once(() => pages((page) => ec2.send(new DescribeVpcsCommand(page)), 'Vpcs')),
    subnets: once(() => pages((page) => ec2.send(new DescribeSubnetsCommand(page)), 'Subnets')),
    routeTables: once(() => pages((page) => ec2.send(new DescribeRouteTablesCommand(page)), 'RouteTables')),
    internetGateways: once(() =>
      pages((page) => ec2.send(new DescribeInternetGatewaysCommand(page)), 'InternetGateways'),
    ),
    natGateways: once(() =>
      pages(
        ({ Filters, ...page }) => ec2.send(new DescribeNatGatewaysCommand({ Filter: Filters, ...page })),
        'NatGateways',
      ),
    ),
    addresses: once(
      async () => (await ec2.send(new DescribeAddressesCommand({ Filters: ours }))).Addresses ?? [],
    ),
    securityGroups: once(() =>
      pages((page) => ec2.send(new DescribeSecurityGroupsCommand(page)), 'SecurityGroups'),
    ),
    endpoints: once(() => pages((page) => ec2.send(new DescribeVpcEndpointsCommand(page)), 'VpcEndpoints')),
    dbInstance: keyed((name: string) => describeInstance(aws, name)),
    dbCluster: keyed((name: string) => describeCluster(aws, name)),
    dbProxy: keyed((name: string) => describeProxy(aws, name)),
    dbProxyTargets: keyed((proxy: string) => describeProxyTargets(aws, proxy)),
    rdsTags: keyed((arn: string) => listRdsTags(aws, arn)),
    secrets: once(() => listSecrets(secrets, stage)),
    logGroups: once(() => listLogGroups(logs, `/aws/lambda/${stage.prefix}-`)),
    /** By its whole name, as `$LATEST` is. */
    lambdaFunction: keyed((name: string) =>
      unlessGone(lambda.send(new GetFunctionCommand({ FunctionName: name }))),
    ),
    /** Undefined where it may not be asked, or an emulator does not know. */
    accountLimit: once(async () => {
      const settings = await lambda.send(new GetAccountSettingsCommand({})).catch(() => undefined);
      return settings?.AccountLimit;
    }),
    /** Every HTTP and WebSocket API of the region: they cannot be listed by tag. */
    apis: once(() => listApis(apigateway)),
  };
}

interface Page {
  readonly Filters: Filter[];
  readonly NextToken?: string;
}

const pager =
  (filters: Filter[], stage: Stage) =>
  async <
    K extends string,
    R extends { NextToken?: string | undefined } & { [key in K]?: unknown[] | undefined },
  >(
    ask: (page: Page) => Promise<R>,
    key: K,
  ): Promise<NonNullable<R[K]>> => {
    const all = await everyPage<unknown>(async (NextToken) => {
      const answer = await ask({ Filters: filters, ...(NextToken && { NextToken }) });
      return [answer[key], answer.NextToken];
    });
    // Not every answer is filtered as it was asked for (emulators know few filters); what is not ours must not pass for ours.
    return all.filter((one) => isOurs(stage, (one as { Tags?: [] }).Tags)) as NonNullable<R[K]>;
  };

/** Asks with the token of the last answer until there is none. */
async function everyPage<T>(
  ask: (
    token: string | undefined,
  ) => Promise<readonly [items: readonly T[] | undefined, next: string | undefined]>,
): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  do {
    const [items = [], next] = await ask(token);
    all.push(...items);
    token = next === '' ? undefined : next;
  } while (token !== undefined);
  return all;
}

const listSecrets = (secrets: Aws['read']['secrets'], stage: Stage): Promise<SecretListEntry[]> =>
  everyPage(async (NextToken) => {
    const Filters = [{ Key: 'name' as const, Values: [`${stage.prefix}/`] }];
    const answer = await secrets.send(
      new ListSecretsCommand({ Filters, IncludePlannedDeletion: true, ...(NextToken && { NextToken }) }),
    );
    return [answer.SecretList, answer.NextToken];
  });

export const listLogGroups = (logs: Aws['read']['logs'], logGroupNamePrefix: string): Promise<LogGroup[]> =>
  everyPage(async (nextToken) => {
    const answer = await logs.send(
      new DescribeLogGroupsCommand({ logGroupNamePrefix, ...(nextToken && { nextToken }) }),
    );
    return [answer.logGroups, answer.nextToken];
  });

const listApis = (apigateway: ApiGatewayV2Client): Promise<Api[]> =>
  everyPage(async (NextToken) => {
    const answer = await apigateway.send(
      new GetApisCommand({ MaxResults: '100', ...(NextToken && { NextToken }) }),
    );
    return [answer.Items, answer.NextToken];
  });

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask();
    return asked;
  };
}

function keyed<T>(ask: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const asked = new Map<string, Promise<T>>();
  return (key) => {
    let answer = asked.get(key);
    if (answer === undefined) {
      answer = ask(key);
      asked.set(key, answer);
    }
    return answer;
  };
}
