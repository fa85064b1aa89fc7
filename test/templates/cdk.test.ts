import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { type CdkProject, synthesise } from './cdk-projects.ts';
import { installedFor } from './engine-packages.ts';
import { resolveTemplate } from './resolve-template.ts';
import { fromCloudFormation, verifySecurity } from './security-assertions.ts';

const variants = [
  { template: 'cdk-isolated-proxy', flags: {} },
  { template: 'cdk-nat', flags: {} },
  { template: 'cdk-nat', flags: { proxy: true } },
  { template: 'cdk-isolated-proxy', flags: { database: 'aurora', auth: 'iam', reader: true } },
  {
    template: 'cdk-isolated-proxy',
    flags: {
      database: 'aurora',
      proxy: false,
      network: 'existing',
      subnets: 'subnet-0a1,subnet-0a2',
      reader: true,
    },
  },
  { template: 'cdk-isolated-proxy', flags: { proxy: false, auth: 'iam', language: 'node' } },
  { template: 'cdk-nat', flags: { database: 'url' } },
  { template: 'cdk-nat', flags: { database: 'heroku' } },
];
let projects: readonly CdkProject[] = [];
beforeAll(async () => {
  await installedFor('cdk');
  projects = await synthesise(variants);
}, 240_000);
afterAll(() => Promise.all(projects.map(({ directory }) => rm(directory, { recursive: true, force: true }))));

test.each(variants.map((variant, index) => ({ ...variant, index })))(
  '$template $flags is safe',
  ({ index }) => {
    const project = projects[index] as CdkProject;
    const template = resolveTemplate(project.template, 'my-library-dev');
    const { network, auth } = project.answers.choices;
    const own =
      project.answers.choices.database === 'url' || project.answers.choices.database === 'heroku'
        ? []
        : [
            'schema -> database 5432',
            ...(network !== 'isolated'
              ? ['schema -> 0.0.0.0/0 443']
              : auth === 'secret'
                ? ['schema -> endpoint 443']
                : []),
          ];
    verifySecurity(fromCloudFormation(template), project.answers.choices, own);
  },
);
