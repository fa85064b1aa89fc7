import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const rows = readFile(join(root, 'docs/seeds.md'), 'utf8').then((text) =>
  text
    .split('\n')
    .filter((line) => /^\| [^-]/.test(line) && !line.startsWith('| id'))
    .map((line) => {
      const [id = '', decision = '', why = '', shownBy = ''] = line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim());
      return { id, decision, why, shownBy };
    }),
);

const run = (letter: string, system: number, last: number): string[] =>
  Array.from({ length: last }, (_, index) => `${letter}${system}.${index + 1}`);

/** The numbered facts of the five articles. */
const facts = [
  ...[...run('R', 0, 10), 'N0', 'I0', 'C0', ...run('B', 0, 8)],
  ...[...run('R', 1, 13), ...run('N', 1, 2), ...run('I', 1, 3), 'C1', ...run('B', 1, 9)],
  ...[...run('R', 2, 9), 'N2', 'I2', 'C2', ...run('B', 2, 7)],
  ...[...run('R', 3, 8), 'N3', ...run('B', 3, 9)],
  ...['R4.1', 'N4', 'R4.2', 'B4'],
];

test('each fact of the articles has its decision, with a reason and what shows it', async () => {
  const listed = (await rows).map(({ id }) => id.split(' ')[0] ?? '');
  expect(facts.filter((fact) => !listed.includes(fact))).toEqual([]);
  for (const { id, decision, why, shownBy } of await rows) {
    expect(['kept', 'changed', 'dropped'], id).toContain(decision);
    // What was dropped because it was wrong needs no words but its test.
    if (decision !== 'dropped') expect(why.length, id).toBeGreaterThan(10);
    expect(shownBy, id).not.toBe('');
  }
});

test('what is named as showing it exists', async () => {
  const files = await readdir(join(root, 'test'), { recursive: true });
  const assertions = await Promise.all(
    files
      .filter((file) => /^templates[/\\].*\.ts$/.test(file))
      .map((file) => readFile(join(root, 'test', file), 'utf8')),
  );
  const text = assertions.join('\n');
  for (const { id, shownBy } of await rows) {
    for (const [name] of shownBy.matchAll(/[\w./-]+\.test\.ts/g)) {
      const tail = name
        .replace(/^test\//, '')
        .split('/')
        .join('/');
      const known = files.some((file) => file.split('\\').join('/').endsWith(tail));
      expect(known, `${id}: ${name}`).toBe(true);
    }
    for (const [name] of shownBy.matchAll(/\bverify[A-Z]\w+/g))
      expect(text, `${id}: ${name}`).toContain(name);
  }
});

test('no template has a handler of the old style', async () => {
  const entries = await readdir(join(root, 'templates'), { recursive: true, withFileTypes: true });
  const sources = entries.filter((entry) => entry.isFile() && /\.(ts|cjs|mjs|js|py)$/.test(entry.name));
  for (const { parentPath, name } of sources) {
    const source = await readFile(join(parentPath, name), 'utf8');
    expect(source, name).not.toMatch(
      /callbackWaitsForEmptyEventLoop|\(event, context, callback\)|aws-sdk['"]/,
    );
  }
  expect(sources.length).toBeGreaterThan(50);
});
