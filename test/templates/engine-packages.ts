import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from '../../src/exec.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The packages that an engine's projects have besides those of their language, installed once for all of them.
 *
 * @returns the absolute path of a `node_modules`
 */
export async function installedFor(engine: string): Promise<string> {
  const manifest = await readFile(join(root, 'templates', engine, 'base/package.json'), 'utf8');
  const { dependencies, devDependencies } = JSON.parse(manifest) as Record<string, object | undefined>;
  const wanted = JSON.stringify({ private: true, dependencies: { ...dependencies, ...devDependencies } });
  const key = createHash('sha256').update(wanted).digest('hex').slice(0, 12);
  const folder = join(root, '.cache/templates', `${engine}-${key}`);
  if (existsSync(folder)) return join(folder, 'node_modules');
  const staging = `${folder}.${randomUUID().slice(0, 8)}`;
  await mkdir(staging, { recursive: true });
  await writeFile(join(staging, 'package.json'), wanted);
  await execa('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: staging });
  // Another run may have been first.
  await rename(staging, folder).catch(() => rm(staging, { recursive: true, force: true }));
  return join(folder, 'node_modules');
}
