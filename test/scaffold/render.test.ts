import { describe, expect, test } from 'vitest';
import { parseProjectName } from '../../src/project/names.ts';
import { formatTree } from '../../src/scaffold/files.ts';
import { mergeJson, render } from '../../src/scaffold/render.ts';

const names = parseProjectName('my-api');

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
      names,
    );
    expect(files.get('a.txt')).toBe('above');
    expect(files.get('b.txt')).toBe('kept');
    expect(JSON.parse(files.get('package.json') as string)).toEqual({
      scripts: { dev: 'x', test: 't' },
      files: ['b'],
    });
  });

  test('the three placeholders, in paths and in text; other underscores stay', () => {
    const files = render(
      [
        new Map([
          ['__PROJECT_ID__/x.py', '__PROJECT__ __PROJECT_ID__ __PROJECT_CLASS__ __init__ __PROJECTX__'],
        ]),
      ],
      names,
    );
    expect([...files]).toEqual([['my_api/x.py', 'my-api my_api MyApi __init__ __PROJECTX__']]);
  });

  test('bytes that are no text are left alone', () => {
    const bytes = Uint8Array.from([0xff, 0xfe, 0x00, 0x5f]);
    expect(render([new Map([['x.bin', bytes]])], names).get('x.bin')).toBe(bytes);
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
