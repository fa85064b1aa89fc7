import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readLayer } from '../../src/scaffold/read-layer.ts';

test('a layer is read below node_modules too, where the package is installed; leftovers of a run are not', async () => {
  const root = await mkdtemp(join(tmpdir(), 'lambdapg-layer-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const layer = join(root, 'node_modules/lambdapg/templates/base');
  for (const name of [
    '_gitignore',
    'app/__init__.py',
    'app/__pycache__/x.pyc',
    'node_modules/pg/index.js',
    '_vscode/settings.json',
  ]) {
    await mkdir(join(layer, name, '..'), { recursive: true });
    await writeFile(join(layer, name), name);
  }
  expect([...(await readLayer(layer)).keys()]).toEqual([
    '.gitignore',
    '.vscode/settings.json',
    'app/__init__.py',
  ]);
});
