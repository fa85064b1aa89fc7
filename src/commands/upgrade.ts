import { Flags } from '@oclif/core';
import { BaseCommand, toggle } from '../base-command.ts';
import { exitCodes } from '../errors.ts';
import { applyUpgrade, stepsOf } from '../scaffold/upgrade/apply-upgrade.ts';
import { nextStepsOf } from '../scaffold/upgrade/next-steps.ts';
import { diffOf } from '../scaffold/upgrade/plan-upgrade.ts';
import { prepareUpgrade } from '../scaffold/upgrade/prepare-upgrade.ts';
import { formatNothingToDo, formatUpgrade } from '../terminal/format-upgrade.ts';

export default class Upgrade extends BaseCommand {
  static override summary = "Bring a project's files to this version of lambdapg; your changes stay.";
  static override description =
    `Renders the project again from the answers in lambdapg.json, and merges three ways: what lambdapg wrote last, what is
here, and what this version writes. Shows the diff and asks. What both changed stays as you have it, with the new file
beside it as <file>.new, and the command exits 3. Stopped at any point, the same command goes on.
Answers that you changed in lambdapg.json are carried into the other files in the same way.`;
  static override examples = [
    'npx lambdapg@latest <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --yes --conflicts markers',
    '<%= config.bin %> <%= command.id %> --replace-runtime',
  ];
  static override flags = {
    'dry-run': Flags.boolean({
      default: false,
      aliases: ['plan'],
      description: 'show what would be done, change nothing; exits 3 when there is something to do',
    }),
    yes: toggle('go on without asking', 'y'),
    diff: Flags.boolean({ default: true, allowNo: true, description: 'show the diff of each file' }),
    conflicts: Flags.option({
      options: ['new', 'markers'] as const,
      default: 'new' as const,
      description: 'the new file beside yours, or markers in yours, as git does it',
    })(),
    'replace-runtime': toggle(
      'take the new connection runtime although it was changed; your changes go into a patch',
    ),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Upgrade);
    const context = this.context();
    const { conflicts, 'dry-run': readOnly, 'replace-runtime': replaceRuntime } = flags;
    const { project, plan } = await prepareUpgrade(context, { conflicts, readOnly, replaceRuntime });
    const { from, to, directory } = plan;
    const changes = plan.changes.map((change) => {
      const { mine: _mine, write: _write, beside, ...shown } = change;
      const diff = flags.diff ? diffOf(change) : '';
      return {
        ...shown,
        ...(beside !== undefined && { beside: `${change.path}.new` }),
        ...(diff && { diff }),
      };
    });
    const shown = { directory, from, to, changes };
    if (stepsOf(plan).length === 0)
      return this.print(shown, () => formatNothingToDo(changes, to, process.stdout));
    const open = changes.some(({ action }) => action === 'conflict');
    if (!this.jsonEnabled()) this.log(formatUpgrade(changes, process.stdout));
    if (readOnly) {
      process.exitCode = exitCodes.open;
      return { ...shown, written: false };
    }
    await this.confirm(`Upgrade from ${from ?? 'an unknown version'} to ${to}?`, flags.yes);
    const edited = await applyUpgrade(context, plan);
    if (open || edited.length > 0) process.exitCode = exitCodes.open;
    const nextSteps = nextStepsOf(project.config, plan, edited);
    const ending = (): string => ['', 'Next:', ...nextSteps.map((step) => `  ${step}`)].join('\n');
    return this.print({ ...shown, written: true, edited, nextSteps }, ending);
  }
}
