import { Flags } from '@oclif/core';
import { cloudFlags, policyFlag, routeFlags } from '../cloud-flags.ts';
import { EngineCommand } from '../engine-command.ts';
import { getProject } from '../project/find-project.ts';
import { openWorld } from '../providers/aws/open-world.ts';
import { formatPolicies, policyOf } from '../providers/aws/policy-of.ts';
import { getStageStatus, type StageStatus } from '../providers/aws/stage-status.ts';
import { formatCost } from '../provision/cost/format-cost.ts';
import { formatBudget } from '../provision/format-budget.ts';
import { formatConnections } from '../terminal/format-connections.ts';
import { formatResources } from '../terminal/format-resources.ts';

export default class Status extends EngineCommand {
  static override summary =
    'Show what exists of a stage, where it is, what it uses, costs, and how it differs.';
  static override description =
    'Asks AWS and the database; nothing is remembered and nothing is changed. Differences are those from lambdapg.json; where an engine makes the resources (CDK, Terraform, osls, SAM), its files say what is wanted.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --stage prod --json',
  ];
  static override flags = {
    ...cloudFlags,
    ...routeFlags,
    ...policyFlag,
    prices: Flags.boolean({ default: true, allowNo: true, description: "amounts from AWS's price list" }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Status);
    const context = this.context();
    const project = await getProject(context.cwd);
    if (project.config.engine !== 'none') return this.statusByEngine(context, project, flags);
    const world = await openWorld(context, project, flags);
    if (flags['iam-policy']) {
      return this.print(await policyOf(world, 'status'), formatPolicies);
    }
    return this.print(await getStageStatus(context, world, { prices: flags.prices }), format);
  }
}

function format(status: StageStatus): string {
  const { project, stage, region, account, resources, drifted, outputs, connections, budget, cost } = status;
  const ready = resources.filter(({ state }) => state === 'ready').length;
  return [
    `${project}, stage ${stage}, in ${region} of account ${account}: ${ready} of ${resources.length} ready, ${drifted} drifted`,
    formatResources(resources, process.stdout),
    '',
    ...Object.entries(outputs).map(([name, value]) => `  ${name}: ${value}`),
    '',
    ...(connections === undefined ? [] : [formatConnections(connections), '']),
    formatBudget(budget),
    '',
    formatCost(cost),
  ].join('\n');
}
