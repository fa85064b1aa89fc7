import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import semver from 'semver';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfig } from '../../src/project/parse-config.ts';
import { verifyCdkStack } from './cdk-facts.ts';
import { type CdkProject, lintCdk, synthesise, typecheckInfra } from './cdk-projects.ts';
import { verifySwitch } from './cdk-switch.ts';
import { installedFor } from './engine-packages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const variants = [
  { template: 'cdk-isolated-proxy', flags: {} },
  { template: 'cdk-nat', flags: {} },
  { template: 'cdk-nat', flags: { proxy: true } },
  { template: 'cdk-isolated-proxy', flags: { database: 'aurora', auth: 'iam', reader: true } },
  { template: 'cdk-nat', flags: { database: 'url' } },
  { template: 'cdk-nat', flags: { auth: 'iam', reader: true } },
];
let projects: readonly CdkProject[] = [];
beforeAll(async () => {
  await installedFor('cdk');
  projects = await synthesise(variants);
}, 240_000);
afterAll(() => Promise.all(projects.map(({ directory }) => rm(directory, { recursive: true, force: true }))));

test.each(variants.map((variant, index) => ({ ...variant, index })))(
  '$template $flags makes the stack that its answers ask for',
  ({ index }) => {
    const project = projects[index] as CdkProject;
    expect(project.findings).toEqual([]);
    verifyCdkStack(project.template, project.answers.choices);
  },
);

test('a proxy changes where functions connect to, and nothing else of what is there', () => {
  const [, direct, proxied] = projects as [CdkProject, CdkProject, CdkProject];
  verifySwitch(direct.template, proxied.template);
});

test('the app typechecks, and its template lints', async () => {
  const { directory } = projects[0] as CdkProject;
  const [typed, linted] = await Promise.all([typecheckInfra(directory), lintCdk(directory)]);
  expect(typed).toBe('');
  expect(linted).toEqual([]);
}, 120_000);

test('the README says how to deploy, plan and destroy, what costs while idle, and what to beware of', () => {
  const said = (index: number) => (projects[index] as CdkProject).readme.replaceAll(/\s+/g, ' ');
  const everywhere = [
    'lambdapg deploy',
    '--plan',
    'cdk diff',
    'cdk destroy',
    'cdk bootstrap',
    'Yours to edit',
    "Not CDK's",
  ];
  const beware = [
    '--no-rollback',
    'deletionProtection',
    'go forward only',
    'No function that serves requests ever changes the schema',
  ];
  for (const part of [...everywhere, ...beware, 'Costs while idle', 'Can it serve a read replica?'])
    expect(said(0)).toContain(part);
  for (const part of [...everywhere, ...beware, 'one NAT gateway', 'An interface endpoint'])
    expect(said(1)).toContain(part);
  expect(said(3)).toContain('Can it serve readers?');
  expect(said(4)).toContain('DATABASE_URL');
});

test('no version of the CDK tool that is a dud is taken', async () => {
  const manifest = await readFile(join(root, 'templates/cdk/base/package.json'), 'utf8');
  const range =
    (JSON.parse(manifest) as { devDependencies: Record<string, string> }).devDependencies['aws-cdk'] ?? '';
  // npm's latest in November 2026 is 3.0.0, which cannot read what aws-cdk-lib writes.
  expect(semver.maxSatisfying(['2.1148.0', '2.1148.1', '2.1200.0', '3.0.0'], range)).toBe('2.1200.0');
  expect(semver.satisfies('2.1148.0', range)).toBe(false);
});

test('what lambdapg.json leaves out is the same for the app and for lambdapg', async () => {
  const minimal = {
    name: 'a',
    template: 'a',
    language: 'node',
    runtime: 'nodejs24.x',
    functions: { f: { handler: 'a.b' } },
  };
  const { cloud, functions, postgres, architecture } = parseConfig(JSON.stringify(minimal), 'lambdapg.json');
  const settings = { ...cloud.database, ...cloud.network, ...proxyDefaults(), ...functions.f, ...cloud };
  const defaults = new Map<string, string>(
    Object.entries({ ...settings, version: `${postgres.version}`, architecture }).map(([key, value]) => [
      key,
      String(value),
    ]),
  );
  const found: string[] = [];
  for (const file of [
    'base/infra/project',
    'base/infra/functions',
    'rds/infra/database',
    'aurora/infra/database',
    'proxy-rds/infra/proxy',
    'nat/infra/network',
  ]) {
    const text = await readFile(join(root, `templates/cdk/${file}.ts`), 'utf8');
    for (const [, key = '', value = ''] of text.matchAll(
      /\b(\w+)(?:: | = )(\d[\d_.]*|true|false|'[\w./]+')(?=[,\s}])/g,
    )) {
      if (!defaults.has(key)) continue;
      expect(value.replaceAll(/['_]/g, ''), `${key} in ${file}`).toBe(defaults.get(key));
      found.push(key);
    }
  }
  expect(new Set(found).size).toBeGreaterThan(15);
});

function proxyDefaults(): object {
  const text = JSON.stringify({
    name: 'a',
    template: 'a',
    language: 'node',
    runtime: 'nodejs24.x',
    functions: {},
    cloud: { proxy: {} },
  });
  const { proxy } = parseConfig(text, 'lambdapg.json').cloud;
  return proxy === false ? {} : proxy;
}
