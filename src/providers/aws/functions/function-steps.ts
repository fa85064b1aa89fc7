import { exitCodes, UserError } from '../../../errors.ts';
import type { Look } from '../look.ts';
import { functionNameOf, type Stage } from '../stage.ts';
import type { RoleHave } from '../steps/iam-role.ts';
import { logGroupStep } from '../steps/log-group.ts';
import type { AwsStep, World } from '../steps/world.ts';
import { type AliasHave, aliasStep } from './alias-step.ts';
import type { Deployment } from './deployment.ts';
import { functionRole } from './function-role.ts';
import { type FunctionHave, functionResource, functionStep } from './function-step.ts';
import { type ApiHave, apiStageStep, apiStep } from './http-api.ts';
import { routesStep } from './http-routes.ts';
import type { FunctionNeeds } from './needs.ts';
import { permissionsStep } from './permissions-step.ts';
import { scheduleStep } from './schedule-step.ts';

/** What one function is made of. */
export interface OneFunction {
  readonly role: AwsStep<RoleHave>;
  readonly code: AwsStep<FunctionHave>;
  readonly alias: AwsStep<AliasHave>;
  readonly all: readonly AwsStep<unknown>[];
}

/** Everything that `deploy` makes. */
export interface FunctionSteps {
  readonly functions: ReadonlyMap<string, OneFunction>;
  /** Absent when no function has a route. */
  readonly api?: AwsStep<ApiHave>;
  readonly all: readonly AwsStep<unknown>[];
}

/** Names of what lambdapg itself makes beside the functions, as roles or functions. */
const reserved = new Set(['proxy', 'runner', 'monitoring']);

/**
 * The steps of every function of `lambdapg.json`. `status` and `destroy` look at them and remove them without a deployment.
 *
 * @param options.healthFunction whose alias is shifted before all others
 * @throws UserError RESERVED_NAME (exit 2)
 */
export function functionSteps(
  world: World,
  needs: FunctionNeeds,
  options: { readonly deployment?: Deployment; readonly healthFunction?: string } = {},
): FunctionSteps {
  const { functions: configs } = world.stage.config;
  const names = Object.keys(configs);
  verifyNames(names);
  const api = names.some((name) => configs[name]?.routes.length) ? apiStep(world) : undefined;
  const functions = new Map<string, OneFunction>();
  const first = names.filter((name) => name === options.healthFunction);
  for (const name of [...first, ...names.filter((one) => !first.includes(one))]) {
    const before = first.flatMap((one) => functions.get(one)?.alias ?? []);
    functions.set(name, oneFunction(world, name, needs, { api, before, ...options }));
  }
  const routed = [...functions].filter(([name]) => configs[name]?.routes.length);
  const aliases = new Map(routed.map(([name, { alias }]) => [name, alias]));
  const http = api === undefined ? [] : [api, apiStageStep(world, api), routesStep(world, api, aliases)];
  return {
    functions,
    ...(api !== undefined && { api }),
    all: [...[...functions.values()].flatMap((one) => one.all), ...http],
  };
}

function oneFunction(
  world: World,
  name: string,
  needs: FunctionNeeds,
  options: {
    readonly api: AwsStep<ApiHave> | undefined;
    readonly before: readonly AwsStep<AliasHave>[];
    readonly deployment?: Deployment;
  },
): OneFunction {
  const { api, before, deployment } = options;
  const { routes = [], schedule } = world.stage.config.functions[name] ?? {};
  const role = functionRole(world, name, needs);
  const logGroup = logGroupStep(world, name);
  const code = functionStep(world, name, needs, { role, logGroup }, deployment);
  const alias = aliasStep(world, name, needs, { code, before }, deployment);
  const isCalled = routes.length > 0 || schedule !== undefined;
  const callers = isCalled
    ? [permissionsStep(world, name, { alias, api: routes.length > 0 ? api : undefined })]
    : [];
  const fires = schedule === undefined ? [] : [scheduleStep(world, name, schedule, [alias, ...callers])];
  return { role, code, alias, all: [role, logGroup, code, alias, ...callers, ...fires] };
}

function verifyNames(names: readonly string[]): void {
  const taken = names.find((name) => reserved.has(name));
  if (taken === undefined) return;
  throw new UserError(
    'RESERVED_NAME',
    `a function cannot be called "${taken}": lambdapg makes one of that name`,
    {
      exit: exitCodes.usage,
      suggestions: ['another name in lambdapg.json'],
    },
  );
}

/**
 * The steps of functions, schedules and an HTTP API that were deployed once and are no longer in `lambdapg.json`, to be removed. They are known
 * by their log groups, which outlast them.
 */
export async function obsoleteSteps(
  world: World,
  look: Look,
  needs: FunctionNeeds,
): Promise<AwsStep<unknown>[]> {
  const { stage } = world;
  const wanted = stage.config.functions;
  const start = `/aws/lambda/${functionNameOf(stage, '')}`;
  const names = (await look.logGroups())
    .map(({ logGroupName = '' }) => logGroupName.slice(start.length))
    .filter((name) => name !== '' && !reserved.has(name));
  const gone = names.filter((name) => wanted[name] === undefined);
  const steps = await Promise.all(gone.map((name) => obsoleteFunction(world, look, name, needs)));
  const unscheduled = names.filter(
    (name) => wanted[name] !== undefined && wanted[name].schedule === undefined,
  );
  const isServed = Object.values(wanted).some(({ routes }) => routes.length > 0);
  return [
    ...steps.flat(),
    ...unscheduled.map((name) => scheduleStep(world, name, undefined, [])),
    ...(isServed ? [] : [apiStep(world)]),
  ];
}

/** Nothing where the function of that name is somebody else's: a role or a rule of our name could be theirs, too. */
async function obsoleteFunction(
  world: World,
  look: Look,
  name: string,
  needs: FunctionNeeds,
): Promise<AwsStep<unknown>[]> {
  const found = await look.lambdaFunction(functionNameOf(world.stage, name));
  if (found !== undefined && found.Tags?.['lambdapg:resource'] !== functionResource(name)) return [];
  const former = withFunction(world, name);
  const { role, code } = oneFunction(former, name, needs, { api: undefined, before: [] });
  // What a removed function has logged is kept for as long as the stage is.
  const logs = world.removal === undefined ? [] : [logGroupStep(former, name)];
  return [role, code, scheduleStep(former, name, undefined, [code]), ...logs];
}

/** The stage as if the function were still in `lambdapg.json`. */
function withFunction(world: World, name: string): World {
  const config: Stage['config'] = {
    ...world.stage.config,
    functions: {
      [name]: { handler: 'removed.handler', timeoutSeconds: 1, memoryMb: 128, environment: {}, routes: [] },
    },
  };
  return { ...world, stage: { ...world.stage, config } };
}
