import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { samParameters } from '../../src/engines/sam-parameters.ts';
import { execa } from '../../src/exec.ts';
import { configSchema } from '../../src/project/config-schema.ts';
import { makeTempDir } from '../postgres-server.ts';
import { writeEngineProject } from './cloudformation-projects.ts';
import { installedFor } from './engine-packages.ts';
import { answersFor, renderProject } from './generate.ts';
import { verifySam } from './verify-variant.ts';

let directory: string;
beforeAll(async () => {
  await Promise.all([installedFor('sam'), installedFor('cdk')]);
  directory = await makeTempDir();
  await writeEngineProject(answersFor('sam-proxy'), directory);
}, 240_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

const parseConfig = (text: string) => configSchema.parse(JSON.parse(text));

const variants = [
  { proxy: false, network: 'nat', language: 'python', packaging: 'layer' },
  { database: 'aurora', auth: 'iam', reader: true },
];

test.each(variants)(
  'SAM compiles the stack that the answers ask for: %j',
  { timeout: 120_000 },
  async (flags) => {
    await verifySam('sam-proxy', flags);
  },
);

test('every parameter of a stack has its value from lambdapg.json', async () => {
  const existing = { database: 'aurora', network: 'existing', subnets: 'subnet-0a1,subnet-0a2' };
  const heroku = { proxy: false, database: 'heroku', 'heroku-addon': 'postgresql-x-1' };
  for (const flags of [{}, existing, heroku]) {
    const answers = answersFor('sam-proxy', flags);
    const files = await renderProject(answers);
    const config = parseConfig(String(files.get('lambdapg.json')));
    const template = parse(String(files.get('template.yaml')), { logLevel: 'error' });
    const given = samParameters('dev', config.cloud, 'vpc-0a1').map((one) => one.split('=')[0]);
    // The version is the newest of the major one unless told.
    const own = Object.keys(template.Parameters).filter((name) => name !== 'DatabaseVersion');
    expect(given).toEqual(expect.arrayContaining(own));
  }
});

const checkTemplate = () =>
  execa(process.execPath, ['infra/check-template.mjs'], { cwd: directory, reject: false });

test('check-template says where lambdapg.json and template.yaml disagree', async () => {
  expect(await checkTemplate()).toMatchObject({ exitCode: 0, stderr: '' });
  const file = join(directory, 'lambdapg.json');
  const text = await readFile(file, 'utf8');
  const config = JSON.parse(text);
  config.functions.api.memoryMb = 1024;
  config.functions.api.routes = ['GET /books', '$default'];
  config.functions.overdue.schedule = 'rate(2 days)';
  config.functions.overdue.environment = { LANG: 'de' };
  config.functions.mail = { handler: 'src/mail.handler' };
  await writeFile(file, JSON.stringify(config));
  const { exitCode, stderr } = await checkTemplate();
  await writeFile(file, text);
  expect(exitCode).toBe(1);
  expect(stderr.split('\n')).toEqual([
    'api, memory: 256 in template.yaml, 1024 in lambdapg.json',
    'api, routes: ["$default"] in template.yaml, ["$default","GET /books"] in lambdapg.json',
    'overdue, schedule: "rate(1 day)" in template.yaml, "rate(2 days)" in lambdapg.json',
    'overdue, LANG: nothing in template.yaml, "de" in lambdapg.json',
    'function mail: no AWS::Serverless::Function in template.yaml has CodeUri .lambdapg/package/mail.zip',
  ]);
});
