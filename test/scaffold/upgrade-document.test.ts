import { describe, expect, test } from 'vitest';
import { mergeDocument } from '../../src/scaffold/upgrade/merge-document.ts';

type Value = Record<string, unknown>;
const json = (value: Value): string => `${JSON.stringify(value, null, 2)}\n`;

function merge(base: Value, mine: Value, theirs: Value) {
  const merged = mergeDocument({ base: json(base), mine: json(mine), theirs: json(theirs) });
  if (merged === undefined) throw new Error('not merged');
  return { ...merged, value: JSON.parse(merged.text) as Value };
}

const packages = (entries: Value): Value => ({ name: 'my-api', devDependencies: entries });

describe('mergeDocument', () => {
  test("the person's package stays, the template's is raised, a new one comes where the template has it", () => {
    const { value, text, conflicts } = merge(
      packages({ tsx: '^4.1.0', typescript: '~7.0.2' }),
      packages({ tsx: '^4.1.0', typescript: '~7.0.2', zod: '^4.0.0' }),
      packages({ tsx: '^4.2.0', esbuild: '^1.0.0', typescript: '~7.0.2' }),
    );
    expect(value).toEqual(
      packages({ tsx: '^4.2.0', esbuild: '^1.0.0', typescript: '~7.0.2', zod: '^4.0.0' }),
    );
    expect(text.indexOf('esbuild')).toBeGreaterThan(text.indexOf('tsx'));
    expect(text.indexOf('esbuild')).toBeLessThan(text.indexOf('typescript'));
    expect(conflicts).toEqual([]);
  });

  test('a key that both changed stays as the person has it, and is told', () => {
    const { value, conflicts } = merge(
      { scripts: { test: 'a', dev: 'x' } },
      { scripts: { test: 'b', dev: 'x' } },
      { scripts: { test: 'c', dev: 'y' } },
    );
    expect(value).toEqual({ scripts: { test: 'b', dev: 'y' } });
    expect(conflicts).toEqual([{ place: 'scripts.test', mine: '"b"', theirs: '"c"' }]);
  });

  test.each([
    ['^4.3.0', '^4.2.0', 'no'],
    ['4.2.0', '^4.2.0', 'no'],
    ['^4.1.5', '^4.2.0', 'a'],
    ['file:../tsx', '^4.2.0', 'a'],
    ['latest', '^4.2.0', 'a'],
  ])('a package raised here to %s where the template asks for %s: %s conflict', (here, there, expected) => {
    const { value, conflicts } = merge(
      packages({ tsx: '^4.1.0' }),
      packages({ tsx: here }),
      packages({ tsx: there }),
    );
    expect(value).toEqual(packages({ tsx: here }));
    expect(conflicts.length).toBe(expected === 'no' ? 0 : 1);
  });

  test('what one side took out', () => {
    const base = { a: 1, b: 2, c: 3, d: 4 };
    const { value, conflicts, notes } = merge(base, { b: 2, c: 30, d: 4 }, { a: 10, b: 2 });
    expect(value).toEqual({ b: 2, c: 30 });
    expect(conflicts).toEqual([]);
    expect(notes).toEqual(['a is gone here; the template has 10', 'c stays; the template no longer has it']);
  });

  test('both added the same object: merged inside', () => {
    const { value, conflicts } = merge(
      {},
      { cloud: { auth: 'iam' } },
      { cloud: { region: 'x', auth: 'secret' } },
    );
    expect(value).toEqual({ cloud: { region: 'x', auth: 'iam' } });
    expect(conflicts.map(({ place }) => place)).toEqual(['cloud.auth']);
  });

  test('lists are one value', () => {
    const { value, conflicts } = merge({ include: ['a'] }, { include: ['a', 'b'] }, { include: ['a', 'c'] });
    expect(value).toEqual({ include: ['a', 'b'] });
    expect(conflicts).toHaveLength(1);
  });

  test('comments, tabs, CRLF, a byte order mark and the order of keys stay', () => {
    const mine = '\uFEFF{\r\n\t// why\r\n\t"b": 1, // here\r\n\t"a": 1,\r\n}\r\n';
    const merged = mergeDocument({
      mine,
      base: '{"a": 1, "b": 1}',
      theirs: '{"a": 2, "b": 1, "c": {"d": 1}}',
    });
    expect(merged?.text).toMatch(/^\uFEFF\{\r\n\t\/\/ why\r\n\t"b": 1,/);
    expect(merged?.text).toContain('// here\r\n\t"a": 2,');
    expect(merged?.text).toContain('\t"c": {\r\n\t\t"d": 1\r\n\t}');
    expect(merged?.text).not.toMatch(/[^\r]\n/);
  });

  test('what is no JSON object is left to the merge by lines', () => {
    for (const mine of ['[1]', '{"a": ', '', '<<<<<<< HEAD'])
      expect(mergeDocument({ mine, base: '{}', theirs: '{"a": 1}' })).toBeUndefined();
  });

  test('every value of the person is in the result, whatever the template does', () => {
    const values = [undefined, 1, 2, 'x', { k: 1 }, { k: 2 }, { l: 1 }, [1], [1, 2], null];
    const of = (value: unknown): Value => (value === undefined ? { z: 0 } : { v: value, z: 0 });
    for (const base of values)
      for (const mine of values)
        for (const theirs of values) {
          const { value } = merge(of(base), of(mine), of(theirs));
          for (const [path, leaf] of leaves(mine))
            if (!leaves(base).some(([other, before]) => other === path && before === leaf))
              expect(leaves(value.v), JSON.stringify({ base, mine, theirs })).toContainEqual([path, leaf]);
        }
  });
});

/** Each value that holds no other, with its place. */
function leaves(value: unknown, path = ''): [string, string][] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
}
