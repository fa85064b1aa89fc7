import { Flags } from '@oclif/core';
import { answerFlags } from './cloud-flags.ts';
import { databaseKinds, engineKinds, frameworks, languages, packagings } from './project/choices.ts';

/** What a project is made of: flags of `init` that a template answers otherwise. */
export const choiceFlags = {
  language: Flags.string({ options: [...languages], description: 'language of the functions' }),
  engine: Flags.string({
    options: [...engineKinds],
    description: "makes the cloud's resources; none: lambdapg",
  }),
  framework: Flags.string({ options: [...frameworks], description: 'hono for Node, fastapi for Python' }),
  packaging: Flags.string({ options: [...packagings], description: 'layer: Python packages as a layer' }),
  ...answerFlags,
  database: Flags.string({
    options: [...databaseKinds],
    description: 'RDS, Aurora Serverless v2, Heroku Postgres, or any that has a URL',
  }),
  region: Flags.string({ description: 'AWS region; else the one of the environment or profile' }),
};
