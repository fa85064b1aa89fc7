import { databaseAuths, managedDatabases, networkKinds } from '../../src/project/choices.ts';
import { getTemplate } from '../../src/scaffold/catalog.ts';
import { cloudformationLayers } from '../../src/scaffold/layers/cloudformation.ts';
import { type ChoiceFlags, resolveChoices } from '../../src/scaffold/resolve-choices.ts';

/** By title, answers of which each makes another stack of the layers that Serverless and SAM share; together they make them all. */
export function everyStack(engine: 'serverless' | 'sam'): [title: string, flags: ChoiceFlags][] {
  const stacks = new Map<string, ChoiceFlags>();
  for (const flags of [...managed, ...outside]) {
    const { choices } = resolveChoices(getTemplate('api'), { ...flags, engine });
    stacks.set(cloudformationLayers(choices).join(' '), { ...flags, engine });
  }
  return [...stacks];
}

/** Few of them, which hold every layer together. */
export function fewStacks(engine: 'serverless' | 'sam'): [title: string, flags: ChoiceFlags][] {
  const seen = new Set<string>();
  return everyStack(engine).filter(([title]) => {
    const layers = title.split(' ');
    const isNew = layers.some((layer) => !seen.has(layer));
    for (const layer of layers) seen.add(layer);
    return isNew;
  });
}

/** Languages and packagings in turns: they change the functions alone. */
const languages: readonly ChoiceFlags[] = [
  { language: 'node' },
  { language: 'python' },
  { language: 'python', packaging: 'layer' },
];

const managed = managedDatabases.flatMap((database) =>
  databaseAuths.flatMap((auth) =>
    networkKinds.flatMap((network, index) =>
      [true, false].flatMap((proxy) =>
        // RDS makes no replica of an instance whose password it keeps.
        (database === 'rds' && auth === 'secret' ? [false] : [true, false]).map(
          (reader): ChoiceFlags => ({
            ...{ database, auth, network, proxy, reader, ...languages[index] },
            ...(network === 'existing' && { subnets: 'subnet-0a1,subnet-0a2' }),
          }),
        ),
      ),
    ),
  ),
);

const outside = ['heroku', 'url'].flatMap((database) =>
  languages.map((language): ChoiceFlags => ({ database, proxy: false, ...language })),
);
