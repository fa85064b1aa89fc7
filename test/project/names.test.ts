import { describe, expect, test } from 'vitest';
import { findNameFault, parseProjectName, suggestName } from '../../src/project/names.ts';
import { nearest } from '../../src/project/nearest.ts';

describe('names', () => {
  test('one name in its three forms', () => {
    expect(parseProjectName('my-api-2')).toEqual({ kebab: 'my-api-2', snake: 'my_api_2', pascal: 'MyApi2' });
  });

  test.each([
    ['My Fancy App!', 'my-fancy-app'],
    ['Ünïcode Straße', 'u-ni-code-stra-e'],
    ['123-go', 'go'],
    ['pg-tools', 'my-pg-tools'],
    ['fs', 'my-fs'],
    ['---', undefined],
  ])('suggests a legal name for %j', (raw, expected) => {
    const suggested = suggestName(raw);
    expect(suggested).toBe(expected);
    if (suggested !== undefined) expect(findNameFault(suggested)).toBeUndefined();
  });

  test('the error names the value, the reason and the fix', () => {
    expect(() => parseProjectName('My App')).toThrow(
      '"My App" cannot name a project: npm package names are lower case',
    );
    try {
      parseProjectName('My App');
    } catch (error) {
      expect(error).toMatchObject({ exit: 2, suggestions: ['use --name my-app'] });
    }
  });
});

describe('nearest', () => {
  test.each([
    ['mirgate', ['migrate', 'seed'], 'migrate'],
    ['mig', ['migrate', 'seed'], 'migrate'],
    ['zzz', ['migrate', 'seed'], undefined],
  ])('%s', (word, candidates, expected) => {
    expect(nearest(word, candidates)).toBe(expected);
  });
});
