import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isSource, readTree } from '../../src/project/package/read-tree.ts';
import { applyUpgrade } from '../../src/scaffold/upgrade/apply-upgrade.ts';
import { withBase } from '../../src/scaffold/upgrade/base.ts';
import { planUpgrade, type UpgradePlan } from '../../src/scaffold/upgrade/plan-upgrade.ts';
import { isLacking, runtimeImportsOf } from '../../src/scaffold/upgrade/runtime-imports.ts';
import { testContext } from '../postgres-server.ts';

const templates = join(import.meta.dirname, '../../templates');

const treeOf = async (layer: string): Promise<ReadonlyMap<string, string>> => {
  const read = await readTree(join(templates, layer), isSource);
  return new Map([...read].map(([path, content]) => [path, content.toString()]));
};

/** As before the connection runtime had a probe. */
const withoutProbe = (text: string): string => text.replaceAll(/^.*\b(withProbe|with_probe)\b.*\n/gm, '');

const runtimes = { node: 'lambdapg-runtime', python: 'lambdapg_runtime' };

/** A project of 1.0.0 without the probe, whose runtime the person changed, before the upgrade to what the templates are now. */
async function makeProject(layer: string, language: 'node' | 'python') {
  const [api, runtime] = await Promise.all([treeOf(layer), treeOf(`runtime-${language}`)]);
  const now = new Map([...api, ...runtime]);
  const manifest = `${runtimes[language]}/manifest.json`;
  const old = new Map([...now].map(([path, text]) => [path, withoutProbe(text)]));
  old.set(manifest, '{"version": "1.2.0", "sha256": "of what it was before the person changed it"}\n');
  const directory = await mkdtemp(join(tmpdir(), 'lambdapg-upgrade-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [path, content] of withBase(old, '1.0.0')) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  const plan = (replaceRuntime = false): Promise<UpgradePlan> =>
    planUpgrade(directory, withBase(now, '2.0.0'), '2.0.0', { conflicts: 'new', replaceRuntime });
  return { directory, now, plan, text: (path: string) => readFile(join(directory, path), 'utf8') };
}

const toldOf = ({ changes }: UpgradePlan) =>
  changes.filter(({ action, path }) => action !== 'unchanged' && !path.startsWith('vendor/'));

test.each([
  ['api-node', 'node', ['src/api.ts', 'src/overdue.ts'], 'withProbe'],
  ['api-hono', 'node', ['src/api.ts'], 'withProbe'],
  ['api-python', 'python', ['app/api.py', 'app/overdue.py'], 'with_probe'],
  ['api-fastapi', 'python', ['app/api.py', 'app/overdue.py'], 'with_probe'],
] as const)('%s: a handler that the changed runtime cannot run goes beside the one here', async (...row) => {
  const [layer, language, handlers, name] = row;
  const { plan, text, directory, now } = await makeProject(layer, language);
  const planned = await plan();
  const told = toldOf(planned);
  const isRuntime = ({ path }: { readonly path: string }) => path === runtimes[language];
  expect(told.filter(isRuntime)).toMatchObject([{ action: 'kept' }]);
  expect(told.filter((change) => !isRuntime(change))).toMatchObject(
    handlers.map((path) => ({ path, action: 'conflict', lacking: [name] })),
  );
  await applyUpgrade(testContext(), planned);
  for (const path of handlers) {
    expect(await text(path)).not.toContain(name);
    expect(await text(`${path}.new`)).toBe(now.get(path));
  }
  // Who takes one over all the same is told each time.
  const [taken] = handlers;
  await writeFile(join(directory, taken), now.get(taken) ?? '');
  expect(toldOf(await plan())).toMatchObject([
    { path: runtimes[language], reason: expect.stringContaining(`it lacks what ${taken} imports: ${name}`) },
  ]);
});

test('with the runtime that has it the handler is written', async () => {
  const { plan } = await makeProject('api-node', 'node');
  expect(toldOf(await plan(true)).filter(({ path }) => path.startsWith('src/'))).toMatchObject([
    { path: 'src/api.ts', action: 'updated' },
    { path: 'src/overdue.ts', action: 'updated' },
  ]);
});

test.each([
  [
    'src/a.ts',
    `import { a, type B, c as d } from '../lambdapg-runtime/index.ts';`,
    'index.ts',
    ['a', 'B', 'c'],
  ],
  ['src/a.ts', `import type {\n  A,\n} from "../lambdapg-runtime/x.ts"`, 'x.ts', ['A']],
  ['src/deep/a.ts', `import { a } from '../lambdapg-runtime/index.ts';`, '', []],
  ['src/a.md', `import { a } from '../lambdapg-runtime/index.ts';`, '', []],
  ['app/a.py', 'from lambdapg_runtime import a, b as c  # both', '.py', ['a', 'b']],
  ['app/a.py', '    from lambdapg_runtime.x import (\n    a,  # one, two\n    b,\n)', '/x.py', ['a', 'b']],
  ['app/a.py', 'from .lambdapg_runtime import a', '', []],
])('in %s: %s', (path, text, module, names) => {
  const folder = path.endsWith('.py') ? 'lambdapg_runtime' : 'lambdapg-runtime/';
  expect(runtimeImportsOf(path, text)).toEqual(names.map((name) => ({ module: `${folder}${module}`, name })));
});

test.each([
  ['a module that is not there', { 'lambdapg-runtime/b.ts': 'export const a = 1;' }, true],
  ['another name', { 'lambdapg-runtime/a.ts': 'export const ab = 1;' }, true],
  ['the name', { 'lambdapg-runtime/a.ts': 'export const a = 1;' }, false],
  ['all of another module', { 'lambdapg-runtime/a.ts': `export * from './b.ts';` }, false],
] as const)('of the runtime’s a.ts, where there is %s', (_title, files, lacking) => {
  const wanted = { module: 'lambdapg-runtime/a.ts', name: 'a' };
  expect(isLacking(new Map(Object.entries(files)), wanted)).toBe(lacking);
});

test.each([
  ['the name', { 'lambdapg_runtime/x/__init__.py': 'from .b import a' }, false],
  ['a module of that name', { 'lambdapg_runtime/x/__init__.py': '', 'lambdapg_runtime/x/a.py': '' }, false],
  ['all of another module', { 'lambdapg_runtime/x.py': 'from .b import *' }, false],
  ['another name', { 'lambdapg_runtime/x.py': 'from .b import c' }, true],
] as const)('of the runtime’s module x, where there is %s', (_title, files, lacking) => {
  const wanted = { module: 'lambdapg_runtime/x.py', name: 'a' };
  expect(isLacking(new Map(Object.entries(files)), wanted)).toBe(lacking);
});
