import { BaseCommand, toggle } from '../base-command.ts';
import { attachFlags, cloudFlags, functionFlags, policyFlag } from '../cloud-flags.ts';
import { exitCodes } from '../errors.ts';
import { getProject } from '../project/find-project.ts';
import { attachFunctions } from '../providers/aws/attach/attach-functions.ts';
import { parseFunctionChoice } from '../providers/aws/attach/find-functions.ts';
import { attachPolicy, listChoices, openAttach, stageOfTarget } from '../providers/aws/attach/open-attach.ts';
import { planAttach, verifyInternet } from '../providers/aws/attach/plan-attach.ts';
import { ask } from '../terminal/ask.ts';
import { formatAttachPlan } from '../terminal/format-attach.ts';

const { region, profile } = cloudFlags;

export default class Attach extends BaseCommand {
  static override summary = 'Wire existing Lambda functions to an existing PostgreSQL.';
  static override description =
    `Finds the shortest safe way (VPC, security-group rules, secret access, environment), shows it, applies it, and has a short-lived
function with the same role, subnets and groups log in to prove it. What CloudFormation, SAM, Serverless or Terraform own by
their tags is not changed: the patch is printed. lambdapg detach takes back exactly what was done.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --function orders --to stage:dev',
    '<%= config.bin %> <%= command.id %> --function orders --to orders-proxy --secret orders/login --plan',
    '<%= config.bin %> <%= command.id %> --function-tag team=orders --to orders-db --iam-user orders_app --yes',
  ];
  static override flags = {
    ...{ region, profile },
    ...functionFlags,
    ...attachFlags,
    plan: toggle('show what would be done, change nothing'),
    yes: toggle('go on without asking', 'y'),
    ...policyFlag,
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Attach);
    const project = flags.to?.startsWith('stage:') === true ? await getProject(process.cwd()) : undefined;
    const world = await openAttach(this.context(), flags, project);
    if (flags['iam-policy']) return this.print(await attachPolicy(world, 'attach'), asJson);
    const pick = async (what: 'functions' | 'databases', message: string): Promise<string | undefined> => {
      if (!this.interactive) return undefined;
      const choices = await listChoices(world, what);
      return ask({ message, choices, fallback: choices[0] ?? '', findFault: () => undefined });
    };
    const chosen = flags.function ?? flags['function-tag'] ?? (await pick('functions', 'Which function?'));
    const url = flags['database-url'];
    const to = flags.to ?? (url === undefined ? await pick('databases', 'To which database?') : undefined);
    const stage = stageOfTarget(to, project);
    const planned = await planAttach(world, {
      functions: parseFunctionChoice(
        flags['function-tag'] === undefined ? { names: chosen } : { tag: chosen },
      ),
      ...{ to, databaseUrl: url, secret: flags.secret, iamUser: flags['iam-user'] },
      databaseName: flags['database-name'],
      replaceEnvironment: flags['replace-environment'],
      ...(flags['ssl-root-cert'] !== undefined && { rootCertificate: flags['ssl-root-cert'] }),
      ...(stage !== undefined && { stage }),
    });
    const { shown } = planned;
    for (const message of shown.warnings) this.report({ type: 'plan-warning', message });
    this.print(shown, (plan) => formatAttachPlan(plan, process.stdout));
    if (flags.plan) {
      const isOpen = shown.plan.changes + shown.patches.length > 0;
      process.exitCode = isOpen ? exitCodes.open : exitCodes.done;
      return shown;
    }
    if (!this.interactive) verifyInternet(shown, flags['accept-no-internet']);
    if (shown.plan.changes > 0) await this.confirm('Attach like this?', flags.yes);
    const done = await attachFunctions(world, planned);
    return this.print({ ...shown, ...done }, () =>
      shown.patches.length > 0 ? 'the patch is yours to apply' : 'done',
    );
  }
}

const asJson = (value: unknown): string => JSON.stringify(value, null, 2);
