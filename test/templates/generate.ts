import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Framework, Language } from '../../src/project/choices.ts';
import { parseProjectName } from '../../src/project/names.ts';
import { type Answers, configLayer, manifestLayer, valuesOf } from '../../src/scaffold/answers.ts';
import { getTemplate, runtimesOf } from '../../src/scaffold/catalog.ts';
import type { Files } from '../../src/scaffold/files.ts';
import { layersOf } from '../../src/scaffold/layers/layers-of.ts';
import { readLayer } from '../../src/scaffold/read-layer.ts';
import { render } from '../../src/scaffold/render.ts';
import { type ChoiceFlags, resolveChoices } from '../../src/scaffold/resolve-choices.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The answers of a template with the flags of `init`, as `init` would resolve them. */
export function answersFor(template: string, flags: ChoiceFlags = {}, name = 'my-library'): Answers {
  const { choices, cloud } = resolveChoices(getTemplate(template), flags);
  const [runtime] = runtimesOf[choices.language];
  if (runtime === undefined) throw new Error(`no runtime for ${choices.language}`);
  return {
    ...{ names: parseProjectName(name), template, choices, cloud, runtime },
    ...{ packageManager: 'npm', architecture: 'arm64', postgres: 17 },
  };
}

/** A project's files as `init` writes them, but for lambdapg itself, which `package.json` names and nobody packs. */
export async function renderProject(answers: Answers): Promise<Files> {
  const layers = await Promise.all(
    layersOf(answers.choices).map((layer) => readLayer(join(root, 'templates', layer))),
  );
  return render([configLayer(answers), ...layers, manifestLayer(answers, '0.0.0')], valuesOf(answers));
}

export async function writeFiles(files: Files, directory: string): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}

/** The `api` template's files as its layers give them, without what `init` adds from a person's answers. */
export async function renderApi(
  language: Language,
  name?: string,
  framework: Framework = 'none',
): Promise<Files> {
  const answers = answersFor('api', { language, framework }, name);
  const layers = await Promise.all(
    layersOf(answers.choices).map((layer) => readLayer(join(root, 'templates', layer))),
  );
  return render(layers, valuesOf(answers));
}

/** Writes them into `directory`, beside the repository's own packages in place of installed ones. */
export async function generateApi(
  language: Language,
  directory: string,
  name?: string,
  framework?: Framework,
): Promise<void> {
  await writeFiles(await renderApi(language, name, framework), directory);
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'), 'junction');
  await symlink(join(root, '.venv'), join(directory, '.venv'), 'junction');
}
