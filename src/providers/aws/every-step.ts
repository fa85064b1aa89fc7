import { mergeSteps } from '../../provision/step.ts';
import { functionSteps, obsoleteSteps } from './functions/function-steps.ts';
import type { Look } from './look.ts';
import { type StageSteps, stageSteps } from './stage-steps.ts';
import type { AwsStep, World } from './steps/world.ts';

/** What functions need of a stage. */
export const functionNeeds = ({ subnets, functionGroup, rules, front, activeSecret }: StageSteps) => ({
  ...{ subnets, functionGroup, rules, front },
  ...(activeSecret !== undefined && { activeSecret }),
});

const proxyDefaults = {
  borrowTimeoutSeconds: 120,
  maxConnectionsPercent: 80,
  maxIdleConnectionsPercent: 50,
  idleClientTimeoutSeconds: 1_800,
  pinningFilters: [],
  requireTls: true,
};

/**
 * Everything that a stage may have, whatever its answers were when it was made: what `destroy` looks for, and what
 * `provision` finds no longer wanted.
 */
export async function everyStep(world: World, look: Look): Promise<readonly AwsStep<unknown>[]> {
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
  const stages = variants.map(stageSteps);
  const [first] = stages;
  const functions = stages.flatMap((steps) => functionSteps(world, functionNeeds(steps)).all);
  const obsolete = first === undefined ? [] : await obsoleteSteps(world, look, functionNeeds(first));
  return mergeSteps([...obsolete, ...functions, ...stages.flatMap(({ all }) => all)]);
}
