import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { parseConfig } from '../../src/project/parse-config.ts';

const valid = {
  name: 'my-api',
  template: 'api',
  language: 'node',
  runtime: 'nodejs24.x',
  functions: { api: { handler: 'src/api.handler', routes: ['$default'] } },
};

function faultsOf(text: string): string {
  try {
    parseConfig(text, 'lambdapg.json');
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exit).toBe(2);
    return (error as UserError).message;
  }
  throw new Error('the text was accepted');
}

describe('parseConfig', () => {
  test('fills in the defaults', () => {
    const config = parseConfig(JSON.stringify(valid), 'lambdapg.json');
    expect(config.postgres.version).toBe(17);
    expect(config.architecture).toBe('arm64');
    expect(config.functions.api).toMatchObject({ timeoutSeconds: 10, memoryMb: 256, environment: {} });
  });

  test('names every fault at once, with line, column and path', () => {
    const text = JSON.stringify(
      {
        ...valid,
        runtime: 'nodejs8',
        functions: { api: { handler: 'x', timeoutSeconds: 901 } },
        postgres: { version: 9 },
      },
      null,
      2,
    );
    const message = faultsOf(text);
    expect(message).toContain('lambdapg.json has 4 faults');
    expect(message).toMatch(/lambdapg\.json:5:\d+ runtime: .*"nodejs24\.x".*found "nodejs8"/);
    expect(message).toMatch(/lambdapg\.json:8:\d+ functions\.api\.handler: .*src\/api\.handler/);
    expect(message).toMatch(/lambdapg\.json:9:\d+ functions\.api\.timeoutSeconds: .*900.*found 901/);
    expect(message).toMatch(/lambdapg\.json:13:\d+ postgres\.version: .*found 9/);
  });

  test('of several forms of a value the one that was meant is looked into', () => {
    const inside = { maxConnectionPercent: 60, borrowTimeoutSeconds: 301 };
    const text = JSON.stringify({ ...valid, cloud: { proxy: inside, logRetentionDays: 15 } }, null, 2);
    const message = faultsOf(text);
    expect(message).toMatch(/cloud\.proxy\.maxConnectionPercent: unknown.*"maxConnectionsPercent"\?/);
    expect(message).toMatch(/cloud\.proxy\.borrowTimeoutSeconds: .*<=300, found 301/);
    expect(message).toMatch(/cloud\.logRetentionDays: expected one of 1, 3, 5, .*731, found 15/);
    const other = faultsOf(JSON.stringify({ ...valid, cloud: { proxy: true } }));
    expect(other).toMatch(/cloud\.proxy: expected false, or settings such as .*, found true/);
  });

  test('an unknown key is an error with the nearest known one, at every depth', () => {
    const message = faultsOf(
      JSON.stringify(
        {
          ...{ ...valid, langauge: 'x', cloud: { database: { minAcus: 1 } } },
          functions: { api: { ...valid.functions.api, timeoutSecond: 3 } },
        },
        null,
        2,
      ),
    );
    expect(message).toMatch(/:\d+:\d+ langauge: unknown key, did you mean "language"\?/);
    expect(message).toMatch(/cloud\.database\.minAcus: unknown key, did you mean "minAcu"\?/);
    expect(message).toMatch(/functions\.api\.timeoutSecond: unknown key, did you mean "timeoutSeconds"\?/);
  });

  test('a missing key is named', () => {
    expect(faultsOf(JSON.stringify({ ...valid, template: undefined }))).toContain('template: is missing');
  });

  test('text that is not JSON is located', () => {
    expect(faultsOf('{\n  "name": "my-api",\n  "template" "api"\n}')).toMatch(
      /lambdapg\.json:3:\d+ not JSON: colon expected/,
    );
    expect(faultsOf('')).toContain('lambdapg.json:1:1');
  });

  test.each([
    'a name of 41 characters',
    '9lives',
    'Has-Upper',
    'pg-thing',
    'two--dashes',
    'ends-',
    'snake_case',
    'node_modules',
    'fs',
    '',
  ])('refuses the name %j', (name) => {
    expect(faultsOf(JSON.stringify({ ...valid, name }))).toContain('name');
  });
});
