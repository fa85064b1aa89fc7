import { BaseCommand, toggle } from '../base-command.ts';
import { cloudFlags, functionFlags, policyFlag } from '../cloud-flags.ts';
import { exitCodes } from '../errors.ts';
import { detachFunctions, planDetach } from '../providers/aws/attach/detach-functions.ts';
import { parseFunctionChoice } from '../providers/aws/attach/find-functions.ts';
import { attachPolicy, openAttach } from '../providers/aws/attach/open-attach.ts';
import { formatDetachPlan } from '../terminal/format-attach.ts';

const { region, profile } = cloudFlags;

export default class Detach extends BaseCommand {
  static override summary = 'Take back exactly what lambdapg attach did.';
  static override description =
    `The function's tags say what it was before; its VPC settings and environment become that again, and the rules, security group,
secret and policy that attach made are removed. Lambda may hold the security group for up to an hour: stopped, the same command
goes on.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --function orders',
    '<%= config.bin %> <%= command.id %> --function-tag team=orders --plan',
  ];
  static override flags = {
    ...{ region, profile },
    ...functionFlags,
    plan: toggle('show what would be done, change nothing'),
    yes: toggle('go on without asking', 'y'),
    ...policyFlag,
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Detach);
    const world = await openAttach(this.context(), flags);
    if (flags['iam-policy']) return this.print(await attachPolicy(world, 'detach'), asJson);
    const planned = await planDetach(
      world,
      parseFunctionChoice({ names: flags.function, tag: flags['function-tag'] }),
    );
    const { shown } = planned;
    this.print(shown, (plan) => formatDetachPlan(plan, process.stdout));
    if (flags.plan) {
      process.exitCode = exitCodes.open;
      return shown;
    }
    await this.confirm('Detach like this?', flags.yes);
    const { removed } = await detachFunctions(world, planned);
    return this.print({ ...shown, removed }, () => 'done');
  }
}

const asJson = (value: unknown): string => JSON.stringify(value, null, 2);
