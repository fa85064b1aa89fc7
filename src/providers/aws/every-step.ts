import { mergeSteps } from '../../provision/step.ts';
import { functionSteps, obsoleteSteps } from './functions/function-steps.ts';
import type { Look } from './look.ts';
import { type StageSteps, stageSteps } from './stage-steps.ts';
import { staleRulesStep } from './steps/stale-rules.ts';
import type { AwsStep, World } from './steps/world.ts';

/** What functions need of a stage. */
export const functionNeeds = ({ subnets, functionGroup, rules, front, activeSecret }: StageSteps) => ({
  ...{ subnets, functionGroup, rules, front },
  ...(activeSecret !== undefined && { activeSecret }),
});

/** Of a proxy that `lambdapg.json` does not know of. */
export const proxyDefaults = {
  borrowTimeoutSeconds: 120,
  maxConnectionsPercent: 80,
  maxIdleConnectionsPercent: 50,
  idleClientTimeoutSeconds: 1_800,
  pinningFilters: [],
  requireTls: true,
};

/** Everything that `provision` may have made, whatever the answers were then. */
export function everyStage(world: World): readonly StageSteps[] {
  const { stage } = world;
  const { cloud } = stage;
  const kinds = [cloud.database.kind, cloud.database.kind === 'rds' ? 'aurora' : 'rds'] as const;
  const networks =
    cloud.network.kind === 'isolated' ? (['isolated', 'nat'] as const) : (['nat', 'isolated'] as const);
  const variants = kinds.flatMap((kind) =>
    networks.flatMap((network) =>
      (['secret', 'iam'] as const).map((auth) => ({
        ...world,
        stage: {
          ...stage,
          runner: true,
          cloud: {
            ...cloud,
            auth,
            database: { ...cloud.database, kind, reader: true },
            proxy: cloud.proxy === false ? proxyDefaults : cloud.proxy,
            network: { ...cloud.network, kind: network },
          },
        },
      })),
    ),
  );
  return variants.map(stageSteps);
}

/** Everything that a stage may have, with its functions: what `destroy` looks for. */
export async function everyStep(world: World, look: Look): Promise<readonly AwsStep<unknown>[]> {
  const stages = everyStage(world);
  const functions = stages.flatMap((steps) => functionSteps(world, functionNeeds(steps)).all);
  const [first] = stages;
  const obsolete = first === undefined ? [] : await obsoleteSteps(world, look, functionNeeds(first));
  return mergeSteps([...obsolete, ...functions, ...stages.flatMap(({ all }) => all)]);
}

/** Never removed because of an answer: only `destroy` does, with a snapshot. */
const holdsData = new Set(['database', 'database-writer', 'database-cluster']);

/** What former answers made and the present ones do not want. `kept`: what only a person may give up. */
export function unwantedSteps(
  world: World,
  wanted: StageSteps,
): { readonly removable: readonly AwsStep<unknown>[]; readonly kept: readonly AwsStep<unknown>[] } {
  const ids = new Set(wanted.all.map(({ id }) => id));
  const former = mergeSteps(
    everyStage({ ...world, removal: { keepSecretsDays: 7 } }).flatMap(({ all }) => all),
  );
  const unwanted = former.filter(({ id, remove }) => !ids.has(id) && remove !== undefined);
  const groups = former.filter(({ id }) => id.startsWith('group-') && id !== 'group-rules');
  return {
    removable: [
      staleRulesStep(world, groups, wanted.passages),
      ...unwanted.filter(({ id }) => !holdsData.has(id)),
    ],
    kept: unwanted.filter(({ id }) => holdsData.has(id)),
  };
}
