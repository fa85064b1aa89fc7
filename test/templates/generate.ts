import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Language } from '../../src/project/config-schema.ts';
import { parseProjectName } from '../../src/project/names.ts';
import { getTemplate } from '../../src/scaffold/catalog.ts';
import type { Files } from '../../src/scaffold/files.ts';
import { readLayer } from '../../src/scaffold/read-layer.ts';
import { render } from '../../src/scaffold/render.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The `api` template's files as its layers give them, without what `init` adds from a person's answers. */
export async function renderApi(language: Language, name = 'my-library'): Promise<Files> {
  const layers = getTemplate('api').layers[language];
  const files = await Promise.all(layers.map((layer) => readLayer(join(root, 'templates', layer))));
  return render(files, parseProjectName(name));
}

/** Writes them into `directory`, beside the repository's own packages in place of installed ones. */
export async function generateApi(language: Language, directory: string, name?: string): Promise<void> {
  for (const [path, content] of await renderApi(language, name)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'), 'junction');
  await symlink(join(root, '.venv'), join(directory, '.venv'), 'junction');
}
