import type { ProjectConfig } from '../project/config-schema.ts';
import { parseProjectName } from '../project/names.ts';
import type { Answers } from './answers.ts';

/**
 * The answers that a project was made with, from its `lambdapg.json`.
 *
 * @param cloud the section as it stands in the file, without the defaults that `config` has
 */
export function answersOf(config: ProjectConfig, cloud: Readonly<Record<string, unknown>> = {}): Answers {
  const { engine, language, framework, packaging } = config;
  const { database, proxy, auth, network } = config.cloud;
  const isOutside = database.kind === 'heroku' || database.kind === 'url';
  return {
    names: parseProjectName(config.name),
    template: config.template,
    choices: {
      ...{ engine, language, framework, packaging, auth, database: database.kind },
      ...{ proxy: proxy !== false, reader: database.reader, network: isOutside ? 'none' : network.kind },
    },
    packageManager: config.packageManager,
    runtime: config.runtime,
    architecture: config.architecture,
    postgres: config.postgres.version,
    cloud,
  };
}
