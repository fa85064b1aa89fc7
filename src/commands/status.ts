import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import { cloudFlags, policyFlag, routeFlags } from '../cloud-flags.ts';
import { getProject } from '../project/find-project.ts';
import { openWorld } from '../providers/aws/open-world.ts';
import { formatPolicies, policyOf } from '../providers/aws/policy-of.ts';
import { type ConnectionsInUse, getStageStatus, type StageStatus } from '../providers/aws/stage-status.ts';
import { formatCost } from '../provision/cost/format-cost.ts';
import { formatBudget } from '../provision/format-budget.ts';
import { formatResources } from '../terminal/format-resources.ts';

export default class Status extends BaseCommand {
  static override summary =
    'Show what exists of a stage, where it is, what it uses, costs, and how it differs.';
  static override description =
    'Asks AWS and the database; nothing is remembered and nothing is changed. Differences are those from lambdapg.json.';
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

function formatConnections({ max, used, byUser }: ConnectionsInUse): string {
  const lines = byUser.map(
    ({ user, application, connections }) => `  ${connections}  ${user}  ${application}`,
  );
  return [`connections in use: ${used} of ${max}`, ...lines].join('\n');
}
