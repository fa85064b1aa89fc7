import { describe, expect, test } from 'vitest';
import type { UserError } from '../../src/errors.ts';
import { parseConfig } from '../../src/project/parse-config.ts';
import { configLayer } from '../../src/scaffold/answers.ts';
import { answersOf } from '../../src/scaffold/answers-of.ts';
import { getTemplate, templates } from '../../src/scaffold/catalog.ts';
import { type ChoiceFlags, resolveChoices } from '../../src/scaffold/resolve-choices.ts';
import { answersFor } from '../templates/generate.ts';

const resolve = (template: string, flags: ChoiceFlags = {}) => resolveChoices(getTemplate(template), flags);

describe('what flags make of a template', () => {
  test.each([
    ['api', {}, {}, {}],
    ['cdk-nat', {}, { engine: 'cdk', network: 'nat', proxy: false }, { network: { kind: 'nat' } }],
    [
      'cdk-nat',
      { proxy: true, auth: 'iam' },
      { proxy: true, auth: 'iam' },
      { proxy: {}, auth: 'iam', network: { kind: 'nat' } },
    ],
    ['cdk-isolated-proxy', { proxy: false }, { proxy: false, language: 'python' }, { proxy: false }],
    [
      'serverless-heroku',
      { 'heroku-addon': 'postgresql-round-1' },
      { database: 'heroku', network: 'none' },
      { database: { kind: 'heroku', herokuAddon: 'postgresql-round-1' } },
    ],
    [
      'serverless-heroku',
      { database: 'rds' },
      { database: 'rds', network: 'isolated' },
      { database: { kind: 'rds' } },
    ],
    [
      'terraform-aurora-fastapi',
      { 'min-acu': '1', region: 'eu-central-1' },
      { framework: 'fastapi', packaging: 'layer', database: 'aurora' },
      { database: { kind: 'aurora', minAcu: 1 }, proxy: {}, region: 'eu-central-1' },
    ],
    [
      'api',
      { subnets: 'subnet-1,subnet-2' },
      { network: 'existing' },
      { network: { kind: 'existing', subnetIds: ['subnet-1', 'subnet-2'] } },
    ],
  ] as const)('%s %j', (template, flags, choices, cloud) => {
    const resolved = resolve(template, flags);
    expect(resolved.choices).toMatchObject(choices);
    expect(resolved.cloud).toEqual(cloud);
  });
});

describe('a crossing that cannot work is refused with its reason', () => {
  test.each<[string, ChoiceFlags, RegExp, RegExp]>([
    ['terraform-aurora-fastapi', { 'min-acu': '0' }, /would never pause/, /--no-proxy, or --min-acu 0\.5/],
    ['serverless-heroku', { proxy: true }, /RDS and Aurora only/, /--no-proxy/],
    ['serverless-heroku', { auth: 'iam' }, /feature of RDS and Aurora/, /--auth secret/],
    ['serverless-heroku', { network: 'nat' }, /over the internet/, /leave --network out/],
    ['serverless-heroku', { engine: 'none' }, /it makes RDS and Aurora/, /--database rds/],
    ['api', { framework: 'fastapi' }, /the language is node/, /--language python/],
    ['api', { framework: 'hono', language: 'python' }, /hono is a framework of Node/, /--language node/],
    ['api', { packaging: 'layer' }, /one small bundle/, /--packaging zip/],
    ['api', { reader: true }, /no read replica/, /--auth iam/],
    ['api', { engine: 'terraform', auth: 'iam', reader: true }, /with Terraform/, /--database aurora/],
    ['api', { network: 'existing' }, /two subnets/, /--subnets/],
    ['api', { 'min-acu': '1' }, /--min-acu is for --database aurora/, /--database aurora/],
    ['api', { region: 'Frankfurt' }, /^--region Frankfurt: expected a region/, /^$/],
  ])('%s %j', (template, flags, reason, fix) => {
    let refused: UserError | undefined;
    try {
      resolve(template, flags);
    } catch (error) {
      refused = error as UserError;
    }
    expect(refused?.message).toMatch(reason);
    expect(refused?.suggestions.join(', ')).toMatch(fix);
    expect(refused?.exit).toBe(2);
  });

  test('two at once are both named', () => {
    expect(() => resolve('serverless-heroku', { proxy: true, auth: 'iam' })).toThrow(/RDS Proxy.*\n.*IAM/);
  });

  test('in an edited lambdapg.json too, with its place', () => {
    const text = JSON.stringify({
      ...{
        name: 'a',
        template: 'api',
        language: 'node',
        runtime: 'nodejs24.x',
        functions: {},
        engine: 'cdk',
      },
      cloud: { database: { kind: 'heroku' }, proxy: {} },
    });
    expect(() => parseConfig(text, 'lambdapg.json')).toThrow(/1:\d+ cloud\.proxy: an RDS Proxy stands/);
  });
});

test.each(templates.map(({ id }) => id))('the answers of %s are read back from its lambdapg.json', (id) => {
  const answers = answersFor(id);
  const config = JSON.parse(configLayer(answers).get('lambdapg.json') as string);
  const parsed = parseConfig(JSON.stringify({ ...config, functions: {} }), 'lambdapg.json');
  expect(answersOf(parsed, config.cloud)).toEqual(answers);
});
