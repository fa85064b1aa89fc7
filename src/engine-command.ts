import { BaseCommand } from './base-command.ts';
import type { Context } from './context.ts';
import type { Engine } from './engines/engine.ts';
import { findEngine } from './engines/engines.ts';
import { openTool } from './engines/open-tool.ts';
import type { EngineStage, Tool } from './engines/tool.ts';
import { exitCodes, UserError } from './errors.ts';
import { healthRequest } from './local/lambda/request-event.ts';
import { isManaged } from './project/choices.ts';
import type { ProjectConfig } from './project/config-schema.ts';
import type { Project } from './project/find-project.ts';
import type { ProjectZip } from './project/package/package-project.ts';
import { findEngineRemains, verifyRemovable } from './providers/aws/engine/engine-removal.ts';
import {
  type EngineResources,
  type EngineStatus,
  getEngineStatus,
  nothingMade,
  readStackResources,
} from './providers/aws/engine/engine-status.ts';
import { verifySecretSource } from './providers/aws/engine/fill-secrets.ts';
import { finishDeploy } from './providers/aws/engine/finish-deploy.ts';
import { packageStage } from './providers/aws/engine/package-stage.ts';
import { explainAwsError } from './providers/aws/explain.ts';
import { type OpenWorld, openWorld, type StageChoice } from './providers/aws/open-world.ts';
import { formatPolicies, policyOf } from './providers/aws/policy-of.ts';
import type { Remains } from './providers/aws/remains.ts';
import { getSubnets } from './providers/aws/steps/network.ts';
import { formatCost } from './provision/cost/format-cost.ts';
import { formatBudget } from './provision/format-budget.ts';
import {
  formatEngineDeployed,
  formatEngineDestroyed,
  formatEnginePlan,
  formatEngineRemoval,
  formatEngineStatus,
} from './terminal/format-engine.ts';

interface EngineFlags extends StageChoice {
  readonly plan: boolean;
  readonly 'iam-policy': boolean;
}

interface OpenEngine {
  readonly engine: Engine;
  readonly world: OpenWorld;
  readonly tool: Tool;
  readonly stage: EngineStage;
}

/** What `--plan` of a project with an engine says besides the engine's own words. */
export interface EnginePlan {
  readonly project: string;
  readonly stage: string;
  readonly engine: string;
  readonly toolVersion: string;
  readonly region: string;
  readonly account: string;
  readonly packages: readonly ProjectZip[];
  /** Null: this engine cannot tell. */
  readonly hasChanges: boolean | null;
}

/** A command that in a project with an engine lets the engine do it. */
export abstract class EngineCommand extends BaseCommand {
  /** @throws UserError ENGINE_DECIDES (exit 2) for flags that only lambdapg's own provisioning understands */
  protected refuseFlags(
    { config }: Project,
    flags: Readonly<Record<string, unknown>>,
    names: readonly string[],
  ): void {
    const { flags: defined = {} } = this.ctor;
    const given = names.find((name) => flags[name] !== undefined && flags[name] !== defined[name]?.default);
    if (given === undefined) return;
    const title = findEngine(config.engine)?.title;
    throw new UserError(
      'ENGINE_DECIDES',
      `--${given} is for projects without an engine: ${title} makes what this one has`,
      {
        exit: exitCodes.usage,
        suggestions: ['change lambdapg.json or the files of the engine, then lambdapg deploy'],
      },
    );
  }

  protected async deployByEngine(
    context: Context,
    project: Project,
    flags: EngineFlags & { readonly yes: boolean },
  ): Promise<unknown> {
    const world = await openWorld(context, project, flags);
    if (flags['iam-policy']) return this.#printPolicy(world, flags.plan ? 'engine-plan' : 'engine-deploy');
    const opened = await this.#openEngine(context, project, world, flags.profile);
    if (!flags.plan) await verifySecretSource(world);
    const { zips } = await packageStage(context, project, {
      region: world.aws.region,
      profile: flags.profile,
    });
    const { engine, tool, stage } = opened;
    if (flags.plan || !flags.yes) {
      const plan = await this.#plan(project, opened, zips);
      if (flags.plan) {
        process.exitCode = plan.hasChanges === false ? exitCodes.done : exitCodes.open;
        return this.print(plan, formatEnginePlan);
      }
      await this.confirm('Deploy this?', false);
    }
    await engine.deploy(tool, stage);
    const { outputs } = await readResources(opened);
    const done = await finishDeploy(context, world, outputs, healthRequest(project.config));
    const { name } = project.config;
    const what = { project: name, stage: stage.stage, engine: project.config.engine, packages: zips };
    return this.print({ ...what, outputs, ...done }, formatEngineDeployed);
  }

  protected async destroyByEngine(
    context: Context,
    project: Project,
    flags: EngineFlags & { readonly confirm?: string | undefined },
  ): Promise<unknown> {
    const world = await openWorld(context, project, flags);
    if (flags['iam-policy']) return this.#printPolicy(world, flags.plan ? 'engine-plan' : 'engine-destroy');
    const opened = await this.#openEngine(context, project, world, flags.profile);
    const { resources } = await readResources(opened);
    if (!this.jsonEnabled()) this.log(formatEngineRemoval(resources));
    if (flags.plan) {
      process.exitCode = resources.length === 0 ? exitCodes.done : exitCodes.open;
      return { resources };
    }
    if (resources.length === 0) return { removed: [], remains: await findEngineRemains(world), unwanted: [] };
    await verifyRemovable(world);
    const { name } = project.config;
    await this.confirmDestruction(name, flags.confirm, `destroys stage ${flags.stage} with its database`);
    // Engines read the zips also to take functions away.
    await packageStage(context, project, { region: world.aws.region, profile: flags.profile });
    const { engine, tool, stage } = opened;
    await engine.destroy(tool, stage);
    const left = await readResources(opened);
    const unwanted: Remains[] = left.resources.map(({ title, why = 'it was to go' }) => ({
      ...{ kind: 'resource', name: title, why },
    }));
    const remains = await findEngineRemains(world);
    if (unwanted.length > 0) process.exitCode = exitCodes.notDone;
    const removed = resources.map(({ id }) => id);
    return this.print({ removed, remains, unwanted }, formatEngineDestroyed);
  }

  protected async statusByEngine(
    context: Context,
    project: Project,
    flags: StageChoice & { readonly prices: boolean; readonly 'iam-policy': boolean },
  ): Promise<unknown> {
    const world = await openWorld(context, project, flags);
    if (flags['iam-policy']) return this.#printPolicy(world, 'engine-status');
    const made = await this.#readForStatus(context, project, world, flags.profile);
    const status = await getEngineStatus(context, world, made, { prices: flags.prices });
    return this.print(status, format);
  }

  #printPolicy(world: OpenWorld, command: Parameters<typeof policyOf>[1]): Promise<unknown> {
    const message =
      "the engine's own permissions are not among them: CDK and CloudFormation bring roles, others work with yours";
    this.report({ type: 'policy-incomplete', message });
    return policyOf(world, command).then((policies) => this.print(policies, formatPolicies));
  }

  async #openEngine(
    context: Context,
    project: Project,
    world: OpenWorld,
    profile: string | undefined,
  ): Promise<OpenEngine> {
    const engine = getEngine(project);
    const stage = await this.#describeStage(project, world, profile);
    return { engine, world, stage, tool: await this.#openTool(context, project, engine, stage) };
  }

  #openTool(context: Context, project: Project, engine: Engine, stage: EngineStage): Promise<Tool> {
    return openTool(context, project, engine.tool, stage, {
      printToStderr: this.jsonEnabled(),
      hasTerminal: [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY),
    });
  }

  async #describeStage(
    { dir, config }: Project,
    { aws, stage }: OpenWorld,
    profile: string | undefined,
  ): Promise<EngineStage> {
    const [{ account }, vpcId] = await Promise.all([aws.identity(), findVpcId(aws, config)]).catch(
      (error: unknown) => {
        throw explainAwsError(error, `stage ${stage.prefix}`);
      },
    );
    return {
      ...{ project: config.name, stage: stage.stage, stack: stage.prefix, projectDir: dir },
      ...{ account, region: aws.region, cloud: config.cloud },
      ...(vpcId !== undefined && { vpcId }),
      ...(profile !== undefined && { profile }),
    };
  }

  async #plan(project: Project, opened: OpenEngine, packages: readonly ProjectZip[]): Promise<EnginePlan> {
    const { engine, tool, stage } = opened;
    const differs = (await engine.plan?.(tool, stage)) ?? null;
    const { status } = await readResources(opened);
    // A diff with the template of a deployment that failed finds nothing.
    const isBroken = /^ROLLBACK|_FAILED$/.test(status);
    if (isBroken) this.report({ type: 'plan-warning', message: `stack ${stage.stack} is ${status}` });
    const hasChanges = isBroken ? true : differs;
    if (differs === null) {
      const message = `${engine.title} cannot tell beforehand what it would change`;
      this.report({ type: 'plan-warning', message });
    }
    return {
      ...{ project: stage.project, stage: stage.stage, engine: project.config.engine },
      ...{ toolVersion: tool.version, region: stage.region, account: stage.account, packages, hasChanges },
    };
  }

  /** Without its tool, of which `status` is told, a stage is still what AWS says. */
  async #readForStatus(
    context: Context,
    project: Project,
    world: OpenWorld,
    profile: string | undefined,
  ): Promise<EngineResources> {
    const engine = getEngine(project);
    if (engine.readState === undefined) return readStackResources(world);
    try {
      return await readResources(await this.#openEngine(context, project, world, profile));
    } catch (error) {
      if (!(error instanceof UserError) || !error.code.startsWith('ENGINE_')) throw error;
      this.report({ type: 'status-warning', message: error.message });
      return nothingMade;
    }
  }
}

const format = (status: EngineStatus): string =>
  [
    ...[formatEngineStatus(status, process.stdout), ''],
    ...[formatBudget(status.budget), '', formatCost(status.cost)],
  ].join('\n');

/** CDK and Terraform ask by themselves; CloudFormation alone cannot find the VPC of a subnet. */
async function findVpcId(
  aws: OpenWorld['aws'],
  { engine, cloud }: ProjectConfig,
): Promise<string | undefined> {
  const { network, database } = cloud;
  const isAsked = engine === 'serverless' || engine === 'sam';
  if (!isAsked || network.kind !== 'existing' || !isManaged({ database: database.kind })) return undefined;
  const [subnet] = await getSubnets(aws, network.subnetIds);
  return subnet?.VpcId;
}

function getEngine({ config }: Project): Engine {
  const engine = findEngine(config.engine);
  if (engine === undefined) throw new Error(`${config.name} has no engine`);
  return engine;
}

/** By the engine's own state, or by the stack that it makes. */
async function readResources({ engine, tool, stage, world }: OpenEngine): Promise<EngineResources> {
  if (engine.readState === undefined) return readStackResources(world);
  const { resources, outputs } = await engine.readState(tool, stage);
  const made = resources.map((id) => ({ id, title: id, state: 'ready' as const }));
  return { status: made.length === 0 ? 'absent' : 'present', resources: made, outputs };
}
