import { exitCodes, UserError } from '../errors.ts';
import type { Language, Runtime } from '../project/config-schema.ts';
import { nearest } from '../project/nearest.ts';

/** A template: what it makes, and the layers (folders of `templates/`) that make it, bottom first, by language. */
export interface Template {
  readonly id: string;
  readonly summary: string;
  readonly layers: Readonly<Record<Language, readonly string[]>>;
}

export const templates: readonly Template[] = [
  {
    id: 'api',
    summary: 'HTTP API over a small library database: authors, books, borrowers, loans, reviews',
    layers: {
      node: ['base', 'library', 'node', 'runtime-node', 'api-node'],
      python: ['base', 'library', 'python', 'runtime-python', 'api-python'],
    },
  },
];

/** The Lambda runtimes of a language, the default first. */
export const runtimesOf: Readonly<Record<Language, readonly Runtime[]>> = {
  node: ['nodejs24.x', 'nodejs22.x'],
  python: ['python3.13', 'python3.14'],
};

/** @throws UserError UNKNOWN_TEMPLATE, naming the nearest one and all that exist */
export function getTemplate(id: string): Template {
  const template = templates.find((candidate) => candidate.id === id);
  if (template !== undefined) return template;
  const known = templates.map((candidate) => candidate.id);
  const near = nearest(id, known);
  throw new UserError('UNKNOWN_TEMPLATE', `unknown template "${id}"; known: ${known.join(', ')}`, {
    exit: exitCodes.usage,
    suggestions: [`--template ${near ?? known[0]}`, 'lambdapg init --list-templates shows what each one is'],
  });
}

/** What `--list-templates` shows: `text` for a person, the rest for a program. */
export function listTemplates(): readonly {
  id: string;
  summary: string;
  languages: string[];
  text: string;
}[] {
  return templates.map(({ id, summary, layers }) => {
    const languages = Object.keys(layers);
    return { id, summary, languages, text: `${id}  ${summary} (${languages.join(', ')})` };
  });
}
