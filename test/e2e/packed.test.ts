import { expect, test } from 'vitest';
import { describePacked, packRepository } from './packed-suite.ts';

test('the package holds what it needs and nothing else', async () => {
  const { packed } = await packRepository();
  const paths = packed.files.map((file) => file.path);
  for (const needed of [
    'bin/run.js',
    'bin/package.json',
    'dist/oclif.cjs',
    'oclif.manifest.json',
    'schema/lambdapg.schema.json',
    'templates/base/_gitignore',
    'dist/THIRD-PARTY-LICENSES.txt',
    'LICENSE',
    'README.md',
  ]) {
    expect(paths).toContain(needed);
  }
  const wrong =
    /(^|\/)(test|src)\/(?!.*templates)|\.test\.ts$|node_modules|\.env$|tfstate|__pycache__|\.pyc$|cdk\.out|\.serverless|\.tgz$|\.map$/;
  expect(paths.filter((path) => wrong.test(path) && !path.startsWith('templates/'))).toEqual([]);
  expect(
    paths.filter(
      (path) => path.startsWith('templates/') && /node_modules|\.env$|tfstate|__pycache__|\.pyc$/.test(path),
    ),
  ).toEqual([]);
});

describePacked('node');
