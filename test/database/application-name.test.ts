import { expect, test } from 'vitest';
import {
  formatApplicationName,
  parseApplicationName,
  shortFunctionName,
} from '../../src/database/application-name.ts';
import { applicationName } from '../../templates/runtime-node/lambdapg-runtime/application-name.ts';

const long = 'library-production-list-available-books-by-author';
const longest = 'x'.repeat(64);

test.each([
  ['library-dev-api', '$LATEST', 'lpg/library-dev-api/$LATEST/0a1b2c3d'],
  ['a', '1', 'lpg/a/1/0a1b2c3d'],
  ['x'.repeat(36), '12345678', `lpg/${'x'.repeat(36)}/12345678/0a1b2c3d`],
  [long, '42', 'lpg/library-production-list-ava~81980d22/42/0a1b2c3d'],
  [longest, '$LATEST', `lpg/${'x'.repeat(27)}~7ce10097/$LATEST/0a1b2c3d`],
])('%s at version %s is %s', (functionName, version, name) => {
  const environment = '0a1b2c3d';
  expect(formatApplicationName({ functionName, version, environment })).toBe(name);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(58);
  expect(parseApplicationName(name)).toEqual({
    functionName: shortFunctionName(functionName),
    version,
    environment,
  });
});

test('long names that begin alike stay apart', () => {
  expect(shortFunctionName(`${long}-a`)).not.toBe(shortFunctionName(`${long}-b`));
});

test.each([
  'psql',
  '',
  'lpg/a/1',
  'lpg/a/1/0a1b2c3d/more',
  'lpg//1/0a1b2c3d',
  'lpg/a/1/0A1B2C3D',
  'lpg/a/latest/0a1b2c3d',
  `lpg/${'x'.repeat(37)}/1/0a1b2c3d`,
])('%j is another program', (name) => {
  expect(parseApplicationName(name)).toBeUndefined();
});

test('an environment that is not 8 hex digits is a bug of the caller', () => {
  const bad = { functionName: 'a', version: '1', environment: 'xyz' };
  expect(() => formatApplicationName(bad)).toThrow(RangeError);
});

test("the name that a generated project's runtime gives itself is read back", () => {
  const name = applicationName({
    AWS_LAMBDA_FUNCTION_NAME: long,
    AWS_LAMBDA_FUNCTION_VERSION: '42',
    LAMBDAPG_ENVIRONMENT_ID: '0a1b2c3d',
  });
  expect(name).toBe(formatApplicationName({ functionName: long, version: '42', environment: '0a1b2c3d' }));
});
