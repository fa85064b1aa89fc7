import { basename, relative, resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import { languages, packageManagers, postgresMajors, runtimes } from '../project/config-schema.ts';
import { templates } from '../scaffold/catalog.ts';
import { formatTree } from '../scaffold/files.ts';
import { createProject, planProject, refuseObstacles } from '../scaffold/init-project.ts';
import {
  findOpenQuestions,
  inferAnswers,
  parseAnswers,
  type QuestionKey,
  questions,
  type RawAnswers,
  refuseOpenQuestions,
} from '../scaffold/resolve-answers.ts';
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
    '<%= config.bin %> <%= command.id %> my-api --template api --language python --package-manager npm',
    '<%= config.bin %> <%= command.id %> my-api --yes --dry-run',
    '<%= config.bin %> <%= command.id %> --list-templates --json',
  ];
  static override args = {
    directory: Args.string({ description: 'folder to make; default: the project name' }),
  };
  static override flags = {
    name: Flags.string({ description: 'project name in kebab case; inferred from the directory' }),
    template: Flags.string({ description: 'template; see --list-templates' }),
    language: Flags.string({ options: [...languages], description: 'language of the functions' }),
    'package-manager': Flags.string({
      options: [...packageManagers],
      aliases: ['pm'],
      description: 'inferred from what runs this command',
    }),
    runtime: Flags.string({
      options: [...runtimes],
      description: "Lambda runtime; default: the language's newest",
    }),
    architecture: Flags.string({
      options: ['arm64', 'x86_64'],
      default: 'arm64',
      description: 'processor of the functions',
    }),
    'pg-version': Flags.string({
      options: postgresMajors.map(String),
      default: '17',
      description: 'PostgreSQL major version',
    }),
    yes: Flags.boolean({ char: 'y', description: 'take the default for every open question' }),
    force: Flags.boolean({
      description: 'write into a folder that is not empty; lists the files it overwrites',
    }),
    'dry-run': Flags.boolean({ description: 'show the tree, write nothing' }),
    'list-templates': Flags.boolean({ description: 'show the templates' }),
    git: Flags.boolean({
      allowNo: true,
      default: true,
      description: 'initialise git, unless inside a repository',
    }),
    install: Flags.boolean({ allowNo: true, default: true, description: 'install the packages' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Init);
    if (flags['list-templates']) return this.#listTemplates();
    const context = this.context();
    const raw = await this.#answer(
      args.directory,
      { ...flags, packageManager: flags['package-manager'] } as RawAnswers,
      flags.yes,
    );
    const answers = parseAnswers(raw, { ...flags, postgres: Number(flags['pg-version']) });
    const directory = resolve(
      context.cwd,
      args.directory ?? (this.interactive || flags.name ? raw.name : '.'),
    );
    const plan = await planProject(context, directory, answers);
    if (flags['dry-run']) {
      if (!this.jsonEnabled())
        this.log(`${relative(context.cwd, directory) || '.'}/\n${formatTree(plan.files)}`);
      return { directory, files: [...plan.files.keys()], ...plan.obstacles };
    }
    if (!flags.force) refuseObstacles(plan);
    for (const path of plan.obstacles.overwritten) this.logToStderr(`overwrites ${path}`);
    await createProject(context, plan);
    const nextSteps = await setUpProject(context, {
      directory,
      answers,
      git: flags.git,
      install: flags.install,
    });
    if (!this.jsonEnabled()) this.log(['', 'Next:', ...nextSteps.map((step) => `  ${step}`)].join('\n'));
    return { directory, name: answers.names.kebab, files: [...plan.files.keys()], nextSteps };
  }

  async #answer(
    directory: string | undefined,
    flags: RawAnswers,
    yes: boolean,
  ): Promise<Required<RawAnswers>> {
    const folder = directory ?? (this.interactive && !yes ? undefined : '.');
    const inferred = inferAnswers(folder && basename(resolve(folder)), process.env.npm_config_user_agent);
    const raw: Partial<Record<QuestionKey, string>> = {};
    const open = findOpenQuestions(flags, inferred);
    if (open.length > 0 && !yes && !this.interactive) refuseOpenQuestions(open);
    for (const key of Object.keys(questions) as QuestionKey[]) {
      const guess = inferred[key];
      raw[key] = flags[key] ?? guess?.value ?? (yes ? questions[key].fallback : await ask(questions[key]));
      if (flags[key] === undefined && guess !== undefined)
        this.logToStderr(`${questions[key].message}: ${guess.value} (${guess.source})`);
    }
    return raw as Required<RawAnswers>;
  }

  #listTemplates(): unknown {
    const list = templates.map(({ id, summary, layers }) => ({
      id,
      summary,
      languages: Object.keys(layers),
    }));
    if (!this.jsonEnabled())
      for (const { id, summary, languages: in_ } of list) this.log(`${id}  ${summary} (${in_.join(', ')})`);
    return list;
  }
}
