import { expect, test } from 'vitest';
import { configSchema } from '../../../../src/project/config-schema.ts';
import { adviceInputOf, adviseRotation } from '../../../../src/providers/aws/rotation/advise.ts';
import { parseStage } from '../../../../src/providers/aws/stage.ts';

const stageOf = (cloud: object, engine = 'none') => {
  const config = configSchema.parse({
    ...{ name: 'shop', template: 'api-node', language: 'node', runtime: 'nodejs24.x', engine },
    ...{ cloud, functions: { api: { handler: 'src/api.handler' } } },
  });
  const names = { kebab: 'shop', snake: 'shop', pascal: 'Shop' };
  return parseStage({ config, dir: '/', names } as Parameters<typeof parseStage>[0], 'dev', false);
};
const advise = (cloud: object, engine?: string, hasSlots?: boolean) =>
  adviseRotation(adviceInputOf(stageOf(cloud, engine), hasSlots));

test.each([
  ['RDS', {}, 'none', 'possible', 'slots'],
  ['Aurora behind a proxy', { database: { kind: 'aurora' }, proxy: {} }, 'none', 'possible', 'slots'],
  ['IAM already', { auth: 'iam' }, 'none', 'in use', 'none'],
  ['Heroku', { database: { kind: 'heroku', herokuAddon: 'x' } }, 'serverless', 'impossible', 'none'],
  ['a URL', { database: { kind: 'url' } }, 'serverless', 'impossible', 'slots'],
  [
    'copies of the password',
    { rotation: { consumers: [{ parameter: '/shop/url', form: 'url' }] } },
    'none',
    'in part',
    'slots',
  ],
  [
    'other functions with the module',
    { rotation: { consumers: [{ function: 'report', credentials: 'module' }] } },
    'none',
    'possible',
    'slots',
  ],
] as const)('%s', (_, cloud, engine, state, strategy) => {
  expect(advise(cloud, engine)).toMatchObject({ iam: { state }, strategy });
});

test('says what to change and what it costs', () => {
  const { iam } = advise({ proxy: {} });
  expect(iam.change).toEqual({ cloud: { auth: 'iam' } });
  expect(iam.commands).toEqual(['lambdapg provision --stage dev', 'lambdapg deploy --stage dev']);
  expect(iam.limits.join('\n')).toMatch(
    /200 new connections a second[\s\S]*15 minutes[\s\S]*DefaultAuthScheme/,
  );
  expect(advise({}, 'cdk').iam.commands).toEqual(['lambdapg deploy --stage dev']);
});

test('names who needs a password', () => {
  const consumers = [
    { function: 'report', credentials: 'environment' },
    { secret: 'elsewhere', form: 'json' },
  ];
  expect(advise({ rotation: { consumers } }).iam.why).toContain(
    'function report (environment), secret elsewhere',
  );
});

test('answers that IAM does not go with are named', () => {
  const input = adviceInputOf(stageOf({ database: { kind: 'aurora', reader: true } }, 'terraform'));
  expect(input.crossings).toEqual([]);
  expect(adviseRotation({ ...input, crossings: ['it cannot be'] }).iam).toMatchObject({
    ...{ state: 'impossible', why: 'it cannot be', commands: [] },
  });
});

test('a single role is adopted, or gets a second password', () => {
  expect(advise({}, 'none', false).commands).toEqual([
    'lambdapg rotate-creds --stage dev --adopt <role> --plan',
    'lambdapg rotate-creds --stage dev --strategy next --plan',
  ]);
});
