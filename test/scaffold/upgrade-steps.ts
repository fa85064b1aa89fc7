import type { Step } from '../../src/scaffold/upgrade/journal.ts';

/** What the tests of the journal begin with, and what they do: a change, a new file, a removal of each kind. */
export const before: Readonly<Record<string, string>> = {
  'lambdapg.json': 'old',
  'src/api.ts': 'old',
  'src/gone/only.ts': 'old',
  'vendor/lambdapg-1.tgz': 'old',
  'mine.txt': 'mine',
};

export const steps: readonly Step[] = [
  { path: 'lambdapg.json', content: 'new' },
  { path: 'src/api.ts', content: 'new' },
  { path: 'src/more/deep.ts', content: 'new' },
  { path: 'src/gone/only.ts' },
  { path: 'vendor/lambdapg-1.tgz' },
  { path: 'vendor/lambdapg-2.tgz', content: Buffer.from([0, 1, 2]) },
];

export const after: Readonly<Record<string, string>> = {
  'lambdapg.json': 'new',
  'src/api.ts': 'new',
  'src/more/deep.ts': 'new',
  'vendor/lambdapg-2.tgz': '\u0000\u0001\u0002',
  'mine.txt': 'mine',
};
