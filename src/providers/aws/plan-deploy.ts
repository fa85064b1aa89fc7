import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import { cacheDir } from '../../project/cache-dir.ts';
import type { Project } from '../../project/find-project.ts';
import { packageFunctions } from '../../project/package/package-functions.ts';
import type { PackageFiles } from '../../project/package/zip-files.ts';
import { type Plan, planProvision, planRemoval, verifyPlan } from '../../provision/plan.ts';
import { haveOf } from '../../provision/step.ts';
import { type Survey, survey } from '../../provision/survey.ts';
import { explainAwsError } from './explain.ts';
import type { Deployment } from './functions/deployment.ts';
import { getFunction, isDirect } from './functions/function-configuration.ts';
import { type FunctionSteps, functionSteps, obsoleteSteps } from './functions/function-steps.ts';
import { type HealthRequest, verifyVersion } from './functions/health.ts';
import { allNeeds, type FunctionNeeds } from './functions/needs.ts';
import { takeLook } from './look.ts';
import { certificatesFile, getRdsCertificates } from './rds-certificates.ts';
import type { AwsStep, World } from './steps/world.ts';

/** What `deploy --plan` shows, and what is approved. */
export interface DeployPlan {
  readonly project: string;
  readonly stage: string;
  readonly region: string;
  readonly account: string;
  /** Of what is made or changed, then of what is no longer wanted. */
  readonly actions: Plan['actions'];
  readonly changes: number;
  readonly packages: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  readonly warnings: readonly string[];
}

export interface PlannedDeploy {
  readonly shown: DeployPlan;
  readonly steps: FunctionSteps;
  /** Of `steps`, those that this run may change, after those of the stage that they need. */
  readonly chosen: readonly AwsStep<unknown>[];
  readonly found: Survey;
  readonly obsolete: readonly AwsStep<unknown>[];
  readonly removal: Plan;
  readonly foundObsolete: Survey;
}

export interface DeployOptions {
  /** The steps of the stage below its functions. */
  readonly needs: FunctionNeeds;
  /** Only these functions; every one when absent. */
  readonly only?: readonly string[] | undefined;
  /** Absent when no route serves the health path. */
  readonly health?: HealthRequest | undefined;
}

/**
 * Builds the functions and says what deploying them would do. Changes nothing.
 *
 * @throws UserError NOT_PROVISIONED, PLAN_REFUSED, FUNCTION_NOT_FOUND, those of `packageFunctions`; AWS's errors, explained
 */
export async function planDeploy(
  context: Context,
  world: World,
  project: Project,
  options: DeployOptions,
): Promise<PlannedDeploy> {
  const { aws, stage } = world;
  const names = options.only ?? Object.keys(stage.config.functions);
  for (const name of names) getFunction(stage, name);
  try {
    const { needs } = options;
    // Nobody waits for a package that has nowhere to go.
    const { account } = await aws.identity();
    const deployment = await makeDeployment(context, world, project, names, options.health);
    const healthFunction = options.health?.functionName;
    const steps = functionSteps(world, needs, {
      deployment,
      ...(healthFunction !== undefined && { healthFunction }),
    });
    const base = [...new Set(allNeeds(needs))];
    const chosen = [...base, ...chosenSteps(steps, options.only)];
    const look = takeLook(aws, stage);
    const [found, obsolete] = await Promise.all([
      survey([...base, ...steps.all], look),
      options.only === undefined ? obsoleteSteps(world, look, needs) : [],
    ]);
    const usable = asProvisioned(world, base, found);
    verifyOthers(steps, options.only, found);
    const plan = planProvision(chosen, usable);
    verifyPlan(plan);
    const foundObsolete = await survey(obsolete, look);
    const removal = planRemoval(obsolete, foundObsolete);
    const actions = [
      ...plan.actions.filter(({ step }) => base.every(({ id }) => id !== step)),
      ...removal.actions,
    ];
    const shown: DeployPlan = {
      ...{ project: stage.project, stage: stage.stage, region: aws.region, account, actions },
      changes: plan.changes + removal.changes,
      packages: [...deployment.packages].map(([name, { zip, sha256 }]) => ({
        name,
        bytes: zip.length,
        sha256,
      })),
      warnings: warningsOf(world, options),
    };
    return { shown, steps, chosen, found: usable, obsolete, removal, foundObsolete };
  } catch (error) {
    throw explainAwsError(error, `stage ${stage.prefix}`);
  }
}

async function makeDeployment(
  context: Context,
  world: World,
  project: Project,
  names: readonly string[],
  health: HealthRequest | undefined,
): Promise<Deployment> {
  const { aws, stage } = world;
  const extras: PackageFiles = isDirect(stage)
    ? new Map([[certificatesFile, Buffer.from(await getRdsCertificates(context, aws.region))]])
    : new Map();
  const packages = await packageFunctions(context, project, {
    names,
    extras,
    cacheDir: cacheDir(context.env),
  });
  return {
    packages,
    async verifyVersion(name, version) {
      if (health?.functionName === name) await verifyVersion(world, health, version);
    },
  };
}

function chosenSteps(steps: FunctionSteps, only: readonly string[] | undefined): AwsStep<unknown>[] {
  if (only === undefined) return [...steps.all];
  const left = [...steps.functions].filter(([name]) => !only.includes(name)).flatMap(([, { all }]) => all);
  return steps.all.filter((step) => !left.includes(step));
}

/** What `provision` has made counts as it is: its changes are not this command's. */
function asProvisioned({ stage }: World, base: readonly AwsStep<unknown>[], found: Survey): Survey {
  const usable = new Map(found);
  const missing: string[] = [];
  for (const step of base) {
    const have = haveOf(found.get(step.id) ?? { state: 'absent' });
    if (have === undefined) missing.push(step.title);
    else usable.set(step.id, { state: 'ready', have });
  }
  if (missing.length === 0) return usable;
  throw new UserError('NOT_PROVISIONED', `stage ${stage.stage} has no ${missing.join(', no ')}`, {
    suggestions: [`lambdapg provision --stage ${stage.stage}`],
  });
}

/** The routes lead to every function that has one, so a part can be deployed only after the whole. */
function verifyOthers(
  { functions }: FunctionSteps,
  only: readonly string[] | undefined,
  found: Survey,
): void {
  if (only === undefined) return;
  const missing = [...functions].filter(
    ([name, { alias }]) => !only.includes(name) && found.get(alias.id)?.state === 'absent',
  );
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name).join(', ');
  throw new UserError(
    'NOT_DEPLOYED',
    `${names} was not deployed yet, and routes or schedules may lead to it`,
    {
      suggestions: ['lambdapg deploy, without --function, once'],
    },
  );
}

function warningsOf({ stage }: World, { health }: DeployOptions): string[] {
  if (health !== undefined) return [];
  const isServed = Object.values(stage.config.functions).some(({ routes }) => routes.length > 0);
  if (!isServed) return [];
  return [
    `no route serves ${stage.cloud.healthPath}: new versions go live without a question ("healthPath")`,
  ];
}
