import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { configSchema } from '../../src/project/config-schema.ts';
import type { Files } from '../../src/scaffold/files.ts';
import { testWithTool } from '../not-available.ts';
import { writeFiles } from './generate.ts';
import { findUndeclared, findUnused, type HclModule, readHclModule } from './hcl-module.ts';
import { checkedProvider, fetchProviderTypes, findSchemaFaults } from './hcl-provider-types.ts';
import { resolveHcl, showHcl } from './hcl-values.ts';
import { verifySecurity } from './security-assertions.ts';
import { fromTerraform } from './security-assertions-terraform.ts';
import { verifyModule } from './terraform-facts.ts';
import { choicesOf, everyStack, renderTerraform } from './terraform-projects.ts';
import { runTerraform, terraformMissing } from './terraform-tool.ts';

// A download, the first time.
beforeAll(fetchProviderTypes, 300_000);

describe.each([...everyStack()])('%s', (_layers, flags) => {
  const rendered: Promise<Files> = renderTerraform(flags);

  test('is a module that names only what it declares, and uses all of it', async () => {
    const module = await readHclModule(await rendered);
    expect(findUndeclared(module)).toEqual([]);
    expect(findUnused(module)).toEqual([]);
  });

  test('is as safe as every engine makes it', async () => {
    verifySecurity(await fromTerraform(await renderTerraform(flags, 'my-library')), choicesOf(flags));
  });

  test('is what the answers ask for', async () => {
    await verifyModule(await readHclModule(await rendered), choicesOf(flags));
  });

  test(`uses what provider ${checkedProvider} knows`, async () => {
    expect(await findSchemaFaults(await readHclModule(await rendered))).toEqual([]);
  });
});

test('a read replica of an instance is refused: RDS would, in the middle of an apply', () => {
  expect(() => choicesOf({ database: 'rds', reader: true })).toThrow('RDS makes no read replica');
  expect(() => choicesOf({ database: 'aurora', reader: true })).not.toThrow();
});

const answersOf = { name: 'shop', template: 'api', language: 'node', runtime: 'nodejs24.x', functions: {} };

describe('the preset', () => {
  const rendered = renderTerraform();

  test('takes no module from elsewhere', async () => {
    const text = [...(await rendered)].filter(([path]) => path.endsWith('.tf')).map(([, hcl]) => String(hcl));
    expect(text.filter((hcl) => /^\s*module "/m.test(hcl))).toEqual([]);
  });

  test('explains each setting of the pool, and refuses what RDS Proxy refuses', async () => {
    const { variables } = await readHclModule(await rendered);
    const pool = Object.entries(variables).filter(([name]) => name.startsWith('proxy_'));
    expect(pool.map(([name]) => name).sort()).toEqual([
      'proxy_borrow_timeout_seconds',
      'proxy_debug_logging',
      'proxy_idle_client_timeout_seconds',
      'proxy_max_connections_percent',
      'proxy_max_idle_connections_percent',
      'proxy_require_tls',
    ]);
    const described = Object.fromEntries(pool.map(([name, { description }]) => [name, String(description)]));
    expect(described.proxy_borrow_timeout_seconds).toContain(
      'only while all connections of the pool are in use',
    );
    expect(described.proxy_max_idle_connections_percent).toContain('spiky traffic with a high maximum: low');
    expect(described.proxy_max_connections_percent).toContain('another proxy');
    for (const [name, { type, validation }] of pool)
      expect([name, validation !== undefined]).toEqual([name, showHcl(type) === '<number>']);
  });

  test('every variable says what it is for', async () => {
    for (const flags of everyStack().values()) {
      const { variables } = await readHclModule(await renderTerraform(flags));
      for (const [name, { description, type, default: fallback }] of Object.entries(variables)) {
        expect(String(description).length, name).toBeGreaterThan(40);
        expect([name, type === undefined, fallback === undefined]).toEqual([name, false, false]);
      }
    }
  });

  test('without an answer a setting is what lambdapg itself would take', async () => {
    const { cloud } = configSchema.parse({ ...answersOf, cloud: { proxy: {} } });
    const aurora = await readHclModule(await rendered);
    const rds = await readHclModule(await renderTerraform({ database: 'rds' }));
    const value = (module: HclModule, name: string) => resolveHcl(module, module.locals[name]);
    const { database, proxy } = cloud;
    if (proxy === false) throw new Error('there is a proxy');
    for (const [module, name, wanted] of [
      [aurora, 'min_acu', database.minAcu],
      [aurora, 'max_acu', database.maxAcu],
      [aurora, 'auto_pause_seconds', database.autoPauseSeconds],
      [aurora, 'backup_days', database.backupDays],
      [aurora, 'deletion_protection', database.deletionProtection],
      [aurora, 'proxy_max_connections_percent', proxy.maxConnectionsPercent],
      [aurora, 'proxy_max_idle_connections_percent', proxy.maxIdleConnectionsPercent],
      [aurora, 'proxy_borrow_timeout_seconds', proxy.borrowTimeoutSeconds],
      [aurora, 'proxy_idle_client_timeout_seconds', proxy.idleClientTimeoutSeconds],
      [aurora, 'proxy_require_tls', proxy.requireTls],
      [aurora, 'log_retention_days', cloud.logRetentionDays],
      [rds, 'instance_class', database.instanceClass],
      [rds, 'storage_gb', database.storageGb],
      [rds, 'multi_az', database.multiAz],
    ] as const)
      expect([name, await value(module, name)]).toEqual([name, wanted]);
    expect(aurora.locals.cidr).toContain(`"${cloud.network.cidr}"`);
  });

  test('the layer is for the runtime and the architecture of the functions', async () => {
    const { resources } = await readHclModule(await rendered);
    const layer = resources.find(({ type }) => type === 'aws_lambda_layer_version')?.body;
    expect(showHcl(layer?.compatible_runtimes)).toEqual(['<local.answers.runtime>']);
    expect(showHcl(layer?.compatible_architectures)).toEqual(['<local.architecture>']);
  });

  test('says what costs while idle, how to be rid of it, and the cautions', async () => {
    const readme = String((await rendered).get('README.md'));
    for (const said of [
      'terraform apply',
      'terraform destroy',
      'Costs while idle',
      'reservedConcurrency',
      'RDS Proxy takes a new version',
      '250 MB together',
      'jwt_issuer',
    ])
      expect(readme).toContain(said);
    expect(String((await renderTerraform({ database: 'rds' })).get('README.md'))).toContain(
      'LEAST(memory in bytes',
    );
  });
});

const withTerraform = testWithTool(terraformMissing);

describe('the preset, by Terraform itself', () => {
  withTerraform('is formatted as Terraform formats', { timeout: 60_000 }, async () => {
    const directory = await newProject();
    const { exitCode, all } = await runTerraform(directory, ['fmt', '-check', '-diff', '-recursive']);
    expect(all).toBe('');
    expect(exitCode).toBe(0);
  });

  withTerraform('is valid', { timeout: 120_000 }, async () => {
    const { all } = await runTerraform(await newProject(), ['validate', '-no-color']);
    expect(all).toContain('The configuration is valid');
  });
});

async function newProject(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lambdapg-terraform-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await writeFiles(await renderTerraform(), directory);
  return directory;
}
