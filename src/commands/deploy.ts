import { Flags } from '@oclif/core';
import { toggle } from '../base-command.ts';
import { cloudFlags, policyFlag } from '../cloud-flags.ts';
import { EngineCommand } from '../engine-command.ts';
import { exitCodes } from '../errors.ts';
import { healthRequest } from '../local/lambda/request-event.ts';
import { getProject } from '../project/find-project.ts';
import { type Deployed, deployStage } from '../providers/aws/deploy-stage.ts';
import { openWorld } from '../providers/aws/open-world.ts';
import { type DeployPlan, planDeploy } from '../providers/aws/plan-deploy.ts';
import { formatPolicies, policyOf } from '../providers/aws/policy-of.ts';
import { stageSteps } from '../providers/aws/stage-steps.ts';
import { formatPlan } from '../terminal/format-plan.ts';

export default class Deploy extends EngineCommand {
  static override summary = 'Put the functions of a stage on AWS, with their HTTP API and schedules.';
  static override description =
    `Builds every function, publishes a version, asks it "healthPath" of lambdapg.json, and only then lets everybody have it.
When the public URL does not answer well afterwards, the former version comes back (exit 1). What is deployed already is not
touched. --plan changes nothing and exits 3 when there is something to do. In a project with an engine (CDK, Terraform, osls, SAM)
the engine does it, with its own output; then secrets get their values and the database its roles.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --plan',
    '<%= config.bin %> <%= command.id %> --yes',
    '<%= config.bin %> <%= command.id %> --function api --stage prod',
  ];
  static override flags = {
    ...cloudFlags,
    function: Flags.string({ multiple: true, description: 'only this one; may be given several times' }),
    plan: toggle('show what would be done, change nothing'),
    yes: toggle('go on without asking', 'y'),
    ...policyFlag,
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Deploy);
    const context = this.context();
    const project = await getProject(context.cwd);
    if (project.config.engine !== 'none') {
      this.refuseFlags(project, flags, ['function']);
      return this.deployByEngine(context, project, flags);
    }
    const world = await openWorld(context, project, flags);
    if (flags['iam-policy']) {
      return this.print(await policyOf(world, flags.plan ? 'plan' : 'deploy'), formatPolicies);
    }
    const health = healthRequest(project.config);
    const needs = stageSteps(world);
    const planned = await planDeploy(context, world, project, { needs, only: flags.function, health });
    const { shown } = planned;
    for (const message of shown.warnings) context.report({ type: 'plan-warning', message });
    if (!this.jsonEnabled()) this.log(formatDeployPlan(shown));
    if (flags.plan) {
      process.exitCode = shown.changes === 0 ? exitCodes.done : exitCodes.open;
      return shown;
    }
    if (shown.changes > 0) await this.confirm('Deploy this?', flags.yes);
    return this.print({ ...shown, ...(await deployStage(context, world, planned, health)) }, formatDeployed);
  }
}

function formatDeployPlan({ project, stage, region, account, actions }: DeployPlan): string {
  const head = `${project}, stage ${stage}, in ${region} of account ${account}`;
  return [head, formatPlan(actions, process.stdout)].join('\n');
}

function formatDeployed({ functions, url, health }: Deployed): string {
  const lines = functions.map(({ name, version, former }) =>
    former === undefined ? `${name}: version ${version}` : `${name}: version ${version}, ${former} before`,
  );
  const asked = health === undefined ? '' : ` (health: ${health.status} in ${health.ms} ms)`;
  return [...lines, ...(url === undefined ? [] : [`${url}${asked}`])].join('\n');
}
