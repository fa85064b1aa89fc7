import { createHash } from 'node:crypto';
import { AddPermissionCommand, GetPolicyCommand, RemovePermissionCommand } from '@aws-sdk/client-lambda';
import type { Haves } from '../../../provision/step.ts';
import { unlessGone } from '../judge.ts';
import { functionNameOf } from '../stage.ts';
import { absent, difference } from '../steps/tagged.ts';
import type { AwsStep, World } from '../steps/world.ts';
import type { AliasHave } from './alias-step.ts';
import { liveAlias } from './deployment.ts';
import { getFunction } from './function-configuration.ts';
import type { ApiHave } from './http-api.ts';
import { findHaves } from './needs.ts';
import { ruleArn } from './schedule-step.ts';

/** Ours among the statements of an alias's policy. */
const mark = 'lambdapg-';

/** A function's policy has room for 20 kB, about 50 statements; above this, one statement lets the whole API call. */
const mostStatements = 30;

interface Caller {
  readonly principal: string;
  readonly sourceArn: string;
}

/** Who may call a function's alias: each of its routes, and its schedule. Nobody else. */
export function permissionsStep(
  world: World,
  name: string,
  { alias, api }: { alias: AwsStep<AliasHave>; api: AwsStep<ApiHave> | undefined },
): AwsStep<readonly string[]> {
  const { aws, stage } = world;
  const FunctionName = functionNameOf(stage, name);
  const named = { FunctionName, Qualifier: liveAlias };
  const needs = api === undefined ? [] : [api];
  const want = async (haves: Haves): Promise<Map<string, Caller>> => {
    const apiId = api === undefined ? '' : haves.get(api).apiId;
    const callers = await callersOf(world, name, apiId);
    return new Map(callers.map((caller) => [statementId(caller), caller]));
  };
  const readIds = async (): Promise<string[] | undefined> => {
    const policy = await unlessGone(aws.read.lambda.send(new GetPolicyCommand(named)));
    return policy === undefined ? undefined : statementIds(policy.Policy);
  };
  const settle = async (have: readonly string[], haves: Haves): Promise<void> => {
    const wanted = await want(haves);
    for (const [StatementId, { principal, sourceArn }] of wanted) {
      if (have.includes(StatementId)) continue;
      const statement = { StatementId, Action: 'lambda:InvokeFunction', Principal: principal };
      await aws.write.lambda.send(new AddPermissionCommand({ ...named, ...statement, SourceArn: sourceArn }));
    }
    for (const StatementId of have.filter((id) => !wanted.has(id)))
      await aws.write.lambda.send(new RemovePermissionCommand({ ...named, StatementId }));
  };
  return {
    id: `permissions-${name}`,
    title: `callers of ${FunctionName}`,
    needs: [alias, ...needs],
    async find(look) {
      const [have, haves] = await Promise.all([readIds(), findHaves(look, needs)]);
      if (have === undefined || haves === undefined) return absent;
      const wanted = await want(haves);
      const differences = [
        ...[...wanted]
          .filter(([id]) => !have.includes(id))
          .map(([, { sourceArn }]) => difference('caller', 'missing', sourceArn, true)),
        ...have
          .filter((id) => !wanted.has(id))
          .map((id) => difference(`statement ${id}`, 'present', 'removed', true)),
      ];
      return differences.length === 0 ? { state: 'ready', have } : { state: 'drifted', have, differences };
    },
    create: async (haves) => settle((await readIds()) ?? [], haves),
    update: async (_have, haves) => settle((await readIds()) ?? [], haves),
  };
}

async function callersOf(world: World, name: string, apiId: string): Promise<Caller[]> {
  const { aws, stage } = world;
  const { routes, schedule } = getFunction(stage, name);
  const { account, partition } = await aws.identity();
  const api = `arn:${partition}:execute-api:${aws.region}:${account}:${apiId}`;
  return [
    ...(routes.length > mostStatements ? ['*'] : routes.map((key) => `*/${routePart(key)}`)).map((end) => ({
      principal: 'apigateway.amazonaws.com',
      sourceArn: `${api}/${end}`,
    })),
    ...(schedule === undefined
      ? []
      : [{ principal: 'events.amazonaws.com', sourceArn: await ruleArn(world, name) }]),
  ];
}

/**
 * The end of a route's ARN after its stage: `GET/books/{id}`; any method is a star; the default route has no method.
 * docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html
 */
const routePart = (key: string): string =>
  key === '$default' ? key : key.replace(/^ANY /, '* ').replace(' /', '/');

const statementId = ({ principal, sourceArn }: Caller): string =>
  `${mark}${createHash('sha256').update(`${principal} ${sourceArn}`).digest('hex').slice(0, 16)}`;

function statementIds(policy: string | undefined): string[] {
  const { Statement = [] } = JSON.parse(policy ?? '{}') as { Statement?: { Sid?: string }[] };
  return Statement.map(({ Sid = '' }) => Sid).filter((id) => id.startsWith(mark));
}
