import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('every row of the data plane names a test that exists', () => {
  const ledger = readFileSync(join(import.meta.dirname, '../LEDGER.md'), 'utf8');
  const section = ledger.split('\n## The data plane\n')[1] ?? '';
  const rows = [...section.matchAll(/^\| (.+?) \| (.+?) \| ([\w-]+\.test\.ts): (.+?) \|$/gm)];
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.length).toBe(section.split('\n').filter((line) => /^\| (?!behaviour|-)/.test(line)).length);
  const missing = rows.filter(([, , source = '', file = '', title = '']) => {
    const titles = readFileSync(join(import.meta.dirname, file), 'utf8');
    return !titles.includes(`'${title}'`) || !/^(https:\/\/|none: )/.test(source);
  });
  expect(missing.map(([row]) => row)).toEqual([]);
});
