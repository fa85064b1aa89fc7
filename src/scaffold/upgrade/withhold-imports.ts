import type { Files } from '../files.ts';
import { type Content, contentOf, inFormOf } from './content.ts';
import type { PlannedChange } from './file-change.ts';
import { isLacking, type RuntimeImport, runtimeImportsOf } from './runtime-imports.ts';

/**
 * A connection runtime that stays because it was changed may lack what this version's files import. Such a file would not run: it
 * goes beside the person's. Those that are here with such an import already are named.
 *
 * @param kept the folder that stays, by the paths of its files
 */
export function withholdImports(
  changes: readonly PlannedChange[],
  runtime: string,
  kept: ReadonlyMap<string, Content>,
  theirs: Files,
): PlannedChange[] {
  const texts = new Map([...kept].map(([path, content]) => [path, textOf(content)] as const));
  const lackedBy = (path: string, content: Content | undefined): string[] =>
    content === undefined ? [] : namesOf(runtimeImportsOf(path, textOf(content)), runtime, texts);
  const broken: string[] = [];
  const withheld = changes.map((change): PlannedChange => {
    const { path, mine, write } = change;
    const before = lackedBy(path, mine);
    if (before.length > 0) broken.push(`${path} imports: ${before.join(', ')}`);
    const wanted = theirs.get(path);
    const lacking = write === undefined ? [] : lackedBy(path, contentOf(write)).filter(isNew(before));
    if (lacking.length === 0 || wanted === undefined) return change;
    const { write: _write, ...rest } = change;
    const beside = mine === undefined ? wanted : inFormOf(mine, wanted);
    return { ...rest, action: 'conflict', lacking, beside, reason: whyWithheld(lacking, runtime) };
  });
  if (broken.length === 0) return withheld;
  return withheld.map((change) =>
    change.path === runtime
      ? { ...change, reason: `${change.reason ?? ''}; it lacks what ${broken.join(' and ')}` }
      : change,
  );
}

const textOf = (content: Content): string => (content.kind === 'text' ? content.text : '');

const isNew =
  (before: readonly string[]) =>
  (name: string): boolean =>
    !before.includes(name);

const namesOf = (
  imports: readonly RuntimeImport[],
  runtime: string,
  texts: ReadonlyMap<string, string>,
): string[] => [
  ...new Set(
    imports.filter((one) => one.module.startsWith(runtime) && isLacking(texts, one)).map(({ name }) => name),
  ),
];

const whyWithheld = (lacking: readonly string[], runtime: string): string =>
  `imports ${lacking.join(', ')}, which ${runtime} here does not have: --replace-runtime takes one that does`;
