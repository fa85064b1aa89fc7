import { relative } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand, toggle } from '../base-command.ts';
import { choiceFlags } from '../cloud-flags.ts';
import { architectures, packageManagers, runtimes } from '../project/config-schema.ts';
import { postgresMajors } from '../project/postgres-packages.ts';
import { listTemplates } from '../scaffold/catalog.ts';
import { formatTree } from '../scaffold/files.ts';
import { createProject, planProject, refuseObstacles } from '../scaffold/init-project.ts';
import { resolveAnswers } from '../scaffold/resolve-answers.ts';
import { setUpProject } from '../scaffold/set-up-project.ts';
import { ask } from '../terminal/ask.ts';

export default class Init extends BaseCommand {
  static override summary =
    'Make a project that runs on this computer at once: functions, schema, data, tests.';
  static override description =
    `Asks only what no flag answered. Off a terminal, in CI and with --json it never asks:
a missing answer is an error that names its flag.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> my-api --yes',
    '<%= config.bin %> <%= command.id %> my-api --template cdk-isolated-proxy --language node --yes',
    '<%= config.bin %> <%= command.id %> my-api --engine terraform --database aurora --proxy --auth iam --yes',
    '<%= config.bin %> <%= command.id %> my-api --yes --dry-run',
    '<%= config.bin %> <%= command.id %> --list-templates --json',
  ];
  static override args = {
    directory: Args.string({ description: 'folder to make; default: the project name' }),
  };
  static override flags = {
    name: Flags.string({ description: 'project name in kebab case; inferred from the directory' }),
    template: Flags.string({ description: 'template; see --list-templates' }),
    ...choiceFlags,
    'package-manager': Flags.string({
      options: [...packageManagers],
      aliases: ['pm'],
      description: 'inferred',
    }),
    runtime: Flags.string({ options: [...runtimes], description: "default: the language's newest" }),
    architecture: Flags.string({ options: [...architectures], default: 'arm64', description: 'processor' }),
    'pg-version': Flags.string({
      options: postgresMajors.map(String),
      default: '17',
      description: 'PostgreSQL major version',
    }),
    yes: toggle('take the default for every open question', 'y'),
    force: toggle('write into a folder that is not empty; lists the files it overwrites'),
    'dry-run': toggle('show the tree, write nothing'),
    'list-templates': toggle('show the templates'),
    git: Flags.boolean({
      allowNo: true,
      default: true,
      description: 'initialise git, unless inside a repository',
    }),
    install: Flags.boolean({ allowNo: true, default: true, description: 'install the packages' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Init);
    if (flags['list-templates'])
      return this.print(listTemplates(), (list) => list.map(({ text }) => text).join('\n'));
    const context = this.context();
    const given = { ...flags, packageManager: flags['package-manager'], directory: args.directory };
    const answers = await resolveAnswers(context, given, this.interactive ? ask : undefined);
    const plan = await planProject(context, answers.directory, answers);
    const { directory, obstacles } = plan;
    const result = { directory, name: answers.names.kebab, files: [...plan.files.keys()] };
    const tree = (): string => `${relative(context.cwd, directory) || '.'}/\n${formatTree(plan.files)}`;
    if (flags['dry-run']) return this.print({ ...result, ...obstacles }, tree);
    if (!flags.force) refuseObstacles(plan);
    for (const path of obstacles.overwritten) this.logToStderr(`overwrites ${path}`);
    await createProject(context, plan);
    const nextSteps = await setUpProject(context, { ...flags, directory, answers });
    const ending = (): string => ['', 'Next:', ...nextSteps.map((step) => `  ${step}`)].join('\n');
    return this.print({ ...result, nextSteps }, ending);
  }
}
