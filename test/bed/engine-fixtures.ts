import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { zipOf } from './data-plane/zip.ts';

const fixtures = join(import.meta.dirname, 'fixtures/engines');

/** A copy of the engines' fixtures in a folder of its own, with the handler bundled. */
export interface EngineFixtures {
  readonly dir: string;
  /** The folder with `index.js`, and the same as a zip. */
  readonly code: string;
  readonly zip: string;
  remove(): Promise<void>;
}

export async function makeEngineFixtures(): Promise<EngineFixtures> {
  const dir = await mkdtemp(join(tmpdir(), 'lambdapg-engine-fixtures-'));
  await cp(fixtures, dir, { recursive: true });
  const code = join(dir, 'code');
  await build({
    ...{ entryPoints: [join(fixtures, 'handler.ts')], outfile: join(code, 'index.js'), logLevel: 'error' },
    ...{ bundle: true, platform: 'node', format: 'cjs', external: ['pg-native'] },
  });
  const zip = join(dir, 'code.zip');
  await writeFile(zip, await zipOf({ 'index.js': await readFile(join(code, 'index.js'), 'utf8') }));
  return { dir, code, zip, remove: () => rm(dir, { recursive: true, force: true }) };
}
