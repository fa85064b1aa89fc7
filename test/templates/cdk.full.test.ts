import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { databaseAuths, managedDatabases, networkKinds } from '../../src/project/choices.ts';
import type { ChoiceFlags } from '../../src/scaffold/resolve-choices.ts';
import { verifyCdkStack } from './cdk-facts.ts';
import { type CdkProject, editConfig, lintCdk, runApps, synthesise, typecheckInfra } from './cdk-projects.ts';
import { verifySwitch } from './cdk-switch.ts';
import { installedFor } from './engine-packages.ts';

/** Every database, login, network and front; languages, readers and layers in turns. */
const managed = managedDatabases.flatMap((database) =>
  databaseAuths.flatMap((auth) =>
    networkKinds.flatMap((network) =>
      [false, true].map((proxy): ChoiceFlags => {
        const isPython = network === 'nat';
        return {
          ...{
            engine: 'cdk',
            database,
            auth,
            network,
            proxy,
            // RDS makes no replica of an instance whose password it keeps.
            reader: (auth === 'iam') === (database === 'rds'),
          },
          ...(network === 'existing' && { subnets: 'subnet-0a1,subnet-0a2' }),
          ...(isPython ? { language: 'python', packaging: 'layer' } : { language: 'node' }),
        };
      }),
    ),
  ),
);
const outside = ['url', 'heroku'].flatMap((database) =>
  ['node', 'python'].map((language): ChoiceFlags => ({ engine: 'cdk', database, language, proxy: false })),
);
const variants = [...managed, ...outside].map((flags) => ({ template: 'api', flags }));
const titled = variants.map(({ flags }, index) => ({ title: Object.values(flags).join(' '), index }));

let projects: readonly CdkProject[] = [];
const projectAt = (index: number) => projects[index] as CdkProject;
beforeAll(async () => {
  await installedFor('cdk');
  projects = await synthesise(variants);
}, 600_000);
afterAll(() => Promise.all(projects.map(({ directory }) => rm(directory, { recursive: true, force: true }))));

test.each(titled)(
  '$title',
  async ({ index }) => {
    const { template, answers, findings, directory } = projectAt(index);
    expect(findings).toEqual([]);
    verifyCdkStack(template, answers.choices);
    expect(await typecheckInfra(directory)).toBe('');
    expect(await lintCdk(directory)).toEqual([]);
  },
  120_000,
);

test('a proxy changes where functions connect to, and nothing else, whatever the rest', () => {
  for (const [index, { flags }] of variants.entries()) {
    // Those that differ in the proxy alone stand side by side.
    if (flags.proxy !== true) continue;
    verifySwitch(projectAt(index - 1).template, projectAt(index).template);
  }
});

test('settings, functions and routes follow lambdapg.json', async () => {
  const [project] = await synthesise([
    {
      template: 'cdk-isolated-proxy',
      flags: { database: 'aurora', proxy: false },
      change: async (directory) => {
        const zip = (name: string) => join(directory, '.lambdapg/package', `${name}.zip`);
        await copyFile(zip('api'), zip('report'));
        await editConfig(directory, (config) => {
          Object.assign(config.cloud as object, { logRetentionDays: 30, region: 'eu-central-1' });
          Object.assign(config.cloud?.database as object, {
            minAcu: 0,
            maxAcu: 8,
            deletionProtection: false,
          });
          Object.assign(config.functions.api as object, {
            routes: ['GET /books/{id}', 'ANY /{proxy+}', 'ANY /'],
          });
          config.functions.report = {
            handler: 'app/report.handler',
            timeoutSeconds: 60,
            schedule: 'cron(0 6 * * ? *)',
          };
          delete config.functions.overdue;
        });
      },
    },
  ]);
  const text = JSON.stringify(project?.template);
  await rm(project?.directory ?? '', { recursive: true });
  for (const part of [
    '"MinCapacity":0,"SecondsUntilAutoPause":300',
    '"DeletionProtection":false',
    '"RetentionInDays":30',
    '"RouteKey":"GET /books/{id}"',
    '"RouteKey":"ANY /{proxy+}"',
    '"RouteKey":"ANY /"',
    '"FunctionName":"my-library-dev-report"',
    '"ScheduleExpression":"cron(0 6 * * ? *)"',
    'arn:aws:lambda:eu-central-1:',
  ])
    expect(text.includes(part) || text.replaceAll(/"Fn::Join":\["",\[/g, '').includes(part), part).toBe(true);
  expect(text).not.toContain('my-library-dev-overdue');
}, 120_000);

test('a stage that cannot be named, and subnets that are not, are told in words', async () => {
  const { directory } = projectAt(0);
  await editConfig(directory, (config) => Object.assign(config, { cloud: { network: { subnetIds: [] } } }));
  const existing = titled.find(({ title }) => title.includes('existing'));
  const other = projectAt(existing?.index ?? 0).directory;
  await editConfig(other, (config) => Object.assign(config.cloud?.network as object, { subnetIds: [] }));
  await expect(runApps([other])).rejects.toThrow(
    'cloud.network.subnetIds in lambdapg.json must name two subnets',
  );
  await expect(runApps([directory], { stage: 'Prod-1' })).rejects.toThrow('"Prod-1" cannot name a stage');
}, 120_000);
