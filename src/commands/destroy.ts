import { Flags } from '@oclif/core';
import { toggle } from '../base-command.ts';
import { cloudFlags, policyFlag } from '../cloud-flags.ts';
import { EngineCommand } from '../engine-command.ts';
import { exitCodes } from '../errors.ts';
import { getProject } from '../project/find-project.ts';
import { destroyStage, planDestroy } from '../providers/aws/destroy-stage.ts';
import { openWorld } from '../providers/aws/open-world.ts';
import { formatPolicies, policyOf } from '../providers/aws/policy-of.ts';
import { formatRemains } from '../terminal/format-engine.ts';
import { formatPlan } from '../terminal/format-plan.ts';

export default class Destroy extends EngineCommand {
  static override summary = 'Take a stage down: functions, proxy, database, network.';
  static override description =
    `Takes a last snapshot of the database, and leaves its secrets restorable for a week.
Lambda gives network interfaces back late: security groups may take up to an hour to go, and the command says so and waits;
it can be stopped and run again. Ends with a list of what remains, and exits 1 if something is left that was to go.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --plan',
    '<%= config.bin %> <%= command.id %> --stage test --confirm my-api',
    '<%= config.bin %> <%= command.id %> --stage test --confirm my-api --no-snapshot --keep-secrets-days 0',
  ];
  static override flags = {
    ...cloudFlags,
    ...policyFlag,
    plan: toggle('show what would go, change nothing'),
    confirm: Flags.string({ description: 'the project name, to allow it', helpValue: 'project' }),
    snapshot: Flags.boolean({ default: true, allowNo: true, description: 'a last snapshot of the database' }),
    'keep-secrets-days': Flags.integer({
      default: 7,
      description: '7 to 30; 0 deletes them at once and for good',
    }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Destroy);
    const context = this.context();
    const project = await getProject(context.cwd);
    if (project.config.engine !== 'none') {
      this.refuseFlags(project, flags, ['snapshot', 'keep-secrets-days']);
      return this.destroyByEngine(context, project, flags);
    }
    const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
    const removal = {
      keepSecretsDays: flags['keep-secrets-days'],
      ...(flags.snapshot && { finalSnapshot: `${project.config.name}-${flags.stage}-final-${time}` }),
    };
    const world = await openWorld(context, project, flags, { removal });
    if (flags['iam-policy'])
      return this.print(await policyOf(world, flags.plan ? 'plan' : 'destroy'), formatPolicies);
    const plan = await planDestroy(world);
    if (!this.jsonEnabled()) this.log(formatPlan(plan.actions, process.stdout));
    if (flags.plan) {
      process.exitCode = plan.changes === 0 ? exitCodes.done : exitCodes.open;
      return plan;
    }
    if (plan.changes > 0) {
      await this.confirmDestruction(
        project.config.name,
        flags.confirm,
        `destroys stage ${flags.stage} with its database`,
      );
    }
    const result = await destroyStage(context, world);
    if (result.unwanted.length > 0) process.exitCode = exitCodes.notDone;
    return this.print(result, ({ removed, remains, unwanted }) =>
      [
        `${removed.length} removed`,
        ...formatRemains('still there, though it was to go:', unwanted),
        ...formatRemains('remains:', remains),
      ].join('\n'),
    );
  }
}
