import { describe, expect, test } from 'vitest';
import { formatTree } from '../../src/scaffold/files.ts';
import { mergeJson, render } from '../../src/scaffold/render.ts';

const values = {
  ...{ PROJECT: 'my-api', PROJECT_ID: 'my_api', PROJECT_CLASS: 'MyApi' },
  ...{ RUNTIME: 'nodejs24.x', ARCHITECTURE: 'arm64', POSTGRES: '17' },
};

describe('render', () => {
  test('a later file replaces, JSON merges, the rest stays', () => {
    const files = render(
      [
        new Map([
          ['a.txt', 'below'],
          ['b.txt', 'kept'],
          ['package.json', '{"scripts":{"dev":"x","old":"y"},"files":["a"]}'],
        ]),
        new Map([
          ['a.txt', 'above'],
          ['package.json', '{"scripts":{"test":"t","old":null},"files":["b"]}'],
        ]),
      ],
      values,
    );
    expect(files.get('a.txt')).toBe('above');
    expect(files.get('b.txt')).toBe('kept');
    expect(JSON.parse(files.get('package.json') as string)).toEqual({
      scripts: { dev: 'x', test: 't' },
      files: ['b'],
    });
  });

  test('the placeholders, in paths and in text; other underscores stay', () => {
    const files = render(
      [
        new Map([
          [
            '__PROJECT_ID__/x.py',
            '__PROJECT__ __PROJECT_ID__ __PROJECT_CLASS__ __RUNTIME__ __init__ __PROJECTX__',
          ],
        ]),
      ],
      values,
    );
    expect([...files]).toEqual([['my_api/x.py', 'my-api my_api MyApi nodejs24.x __init__ __PROJECTX__']]);
  });

  test('bytes that are no text are left alone', () => {
    const bytes = Uint8Array.from([0xff, 0xfe, 0x00, 0x5f]);
    expect(render([new Map([['x.bin', bytes]])], values).get('x.bin')).toBe(bytes);
  });

  test('YAML merges key by key, with its comments and tags', () => {
    const below =
      '# why\nResources:\n  Api:\n    Type: A\n    Name: !Sub "$X-a" # name\n  Old: 1\nList: [1]\n';
    const above =
      'Resources:\n  Api:\n    Type: B\n  Old: null\n  # the proxy\n  Proxy: !GetAtt P.Arn\nList: [2]\n';
    const files = render([new Map([['t.yaml', below]]), new Map([['t.yaml', above]])], values);
    expect(files.get('t.yaml')).toBe(
      '# why\nResources:\n  Api:\n    Type: B\n    Name: !Sub "$X-a" # name\n  # the proxy\n  Proxy: !GetAtt P.Arn\nList: [ 2 ]\n',
    );
  });

  test('a later README goes below', () => {
    const files = render([new Map([['README.md', '# A\n\n']]), new Map([['README.md', '## B\n']])], values);
    expect(files.get('README.md')).toBe('# A\n\n## B\n');
  });

  test('arrays are replaced, not joined', () => {
    expect(mergeJson({ a: [1] }, { a: [2] })).toEqual({ a: [2] });
  });
});

test('formatTree puts folders first', () => {
  const files = new Map(['b.txt', 'src/x/y.ts', 'src/a.ts', 'a/z.ts', 'README.md'].map((path) => [path, '']));
  expect(formatTree(files).split('\n')).toEqual([
    'a/',
    '  z.ts',
    'src/',
    '  x/',
    '    y.ts',
    '  a.ts',
    'b.txt',
    'README.md',
  ]);
});
