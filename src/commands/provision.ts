import { Flags } from '@oclif/core';
import { toggle } from '../base-command.ts';
import { answerFlags, cloudFlags, policyFlag, routeFlags } from '../cloud-flags.ts';
import { EngineCommand } from '../engine-command.ts';
import { exitCodes } from '../errors.ts';
import { parseAnswerFlags } from '../project/answer-flags.ts';
import { getProject } from '../project/find-project.ts';
import { withAnswers, writeAnswers } from '../project/write-answers.ts';
import { openWorld } from '../providers/aws/open-world.ts';
import { formatPolicies, policyOf } from '../providers/aws/policy-of.ts';
import { planStage, provisionStage, type StagePlan } from '../providers/aws/provision-stage.ts';
import { formatCost } from '../provision/cost/format-cost.ts';
import { formatBudget } from '../provision/format-budget.ts';
import { formatPlan } from '../terminal/format-plan.ts';

export default class Provision extends EngineCommand {
  static override summary = 'Create the network, database, proxy and logins of a stage on AWS.';
  static override description =
    `Looks at what exists, shows the plan with its connection budget and its cost, and asks before it creates anything.
Stopped at any point (Ctrl-C, a crash, an expired session), the same command goes on. What is not this project's is never
touched. --plan changes nothing and exits 3 when there is something to do. In a project with an engine this is lambdapg deploy.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --plan',
    '<%= config.bin %> <%= command.id %> --yes',
    '<%= config.bin %> <%= command.id %> --database aurora --proxy --auth iam',
    '<%= config.bin %> <%= command.id %> --iam-policy > policy.json',
  ];
  static override flags = {
    ...cloudFlags,
    ...answerFlags,
    ...routeFlags,
    plan: toggle('show what would be done, change nothing'),
    yes: toggle('go on without asking', 'y'),
    prune: toggle('also remove what former answers made, never a database'),
    prices: Flags.boolean({ default: true, allowNo: true, description: "amounts from AWS's price list" }),
    'accept-oversubscription': toggle('even when functions may open more connections than there are'),
    runner: Flags.boolean({
      allowNo: true,
      description: 'a function in the VPC for SQL; default: where no --db-host-map helps',
    }),
    ...policyFlag,
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Provision);
    const context = this.context();
    const project = await getProject(context.cwd);
    if (project.config.engine !== 'none') {
      this.refuseFlags(project, flags, [...Object.keys(answerFlags), 'prune', 'runner']);
      return this.deployByEngine(context, project, flags);
    }
    const changed = await withAnswers(project, parseAnswerFlags(flags, project.config.cloud));
    const world = await openWorld(context, changed.project, flags);
    if (flags['iam-policy'])
      return this.print(await policyOf(world, flags.plan ? 'plan' : 'provision'), formatPolicies);
    const { prices, prune, 'accept-oversubscription': acceptOversubscription } = flags;
    const planned = await planStage(world, { prices, prune, acceptOversubscription });
    const { shown } = planned;
    for (const message of shown.warnings) context.report({ type: 'plan-warning', message });
    if (!this.jsonEnabled()) this.log(formatStagePlan(shown));
    if (flags.plan) {
      process.exitCode = shown.plan.changes === 0 ? exitCodes.done : exitCodes.open;
      return shown;
    }
    if (shown.plan.changes > 0) await this.confirm('Create and change this?', flags.yes);
    const done = await provisionStage(context, world, planned);
    await writeAnswers(changed);
    return this.print({ ...shown, ...done }, () => 'done');
  }
}

function formatStagePlan({ project, stage, region, account, plan, budget, cost }: StagePlan): string {
  return `${project}, stage ${stage}, in ${region} of account ${account}
${formatPlan(plan.actions, process.stdout)}

${formatBudget(budget)}

${formatCost(cost)}`;
}
