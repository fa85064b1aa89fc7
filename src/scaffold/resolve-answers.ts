import { exitCodes, UserError } from '../errors.ts';
import {
  type Language,
  languages,
  type PackageManager,
  type PostgresMajor,
  packageManagers,
  type Runtime,
} from '../project/config-schema.ts';
import { findNameFault, parseProjectName, suggestName } from '../project/names.ts';
import type { Answers } from './answers.ts';
import { getTemplate, runtimesOf, templates } from './catalog.ts';

/** The four things that are asked when no flag, inference or default answers them. */
export interface RawAnswers {
  readonly name?: string;
  readonly template?: string;
  readonly language?: string;
  readonly packageManager?: string;
}

export type QuestionKey = keyof RawAnswers;

/** One record per question: the same words make the flag's description and the prompt. */
export interface Question {
  readonly flag: string;
  readonly message: string;
  readonly choices?: readonly string[];
  /** Taken by `--yes`, and what an Enter at the prompt means. */
  readonly fallback: string;
  /** Why `value` is no answer, or undefined. */
  readonly findFault: (value: string) => string | undefined;
}

const oneOf =
  (choices: readonly string[]) =>
  (value: string): string | undefined =>
    choices.includes(value) ? undefined : `choose one of ${choices.join(', ')}`;

const templateIds = templates.map((template) => template.id);

export const questions: Readonly<Record<QuestionKey, Question>> = {
  name: { flag: '--name', message: 'Project name', fallback: 'my-api', findFault: findNameFault },
  template: {
    flag: '--template',
    message: 'Template',
    choices: templateIds,
    fallback: 'api',
    findFault: oneOf(templateIds),
  },
  language: {
    flag: '--language',
    message: 'Language',
    choices: languages,
    fallback: 'node',
    findFault: oneOf(languages),
  },
  packageManager: {
    flag: '--package-manager',
    message: 'Package manager',
    choices: packageManagers,
    fallback: 'npm',
    findFault: oneOf(packageManagers),
  },
};

export interface Inferred {
  readonly value: string;
  /** Where it was seen, for the person: `from the directory`. */
  readonly source: string;
}

/**
 * What a machine can tell by itself: the package manager from `npm_config_user_agent`, the name from the folder.
 * `directory`: absolute, or undefined when none was named.
 */
export function inferAnswers(
  directoryName: string | undefined,
  userAgent: string | undefined,
): Partial<Record<QuestionKey, Inferred>> {
  const name = directoryName === undefined ? undefined : suggestName(directoryName);
  const manager = userAgent?.split('/')[0];
  return {
    ...(name !== undefined && { name: { value: name, source: `from the directory ${directoryName}` } }),
    ...(manager !== undefined &&
      packageManagers.some((known) => known === manager) && {
        packageManager: { value: manager, source: 'it runs this command' },
      }),
  };
}

/** The questions that neither a flag nor an inference answers, in the order in which they are asked. */
export function findOpenQuestions(
  flags: RawAnswers,
  inferred: Partial<Record<QuestionKey, Inferred>>,
): QuestionKey[] {
  return (Object.keys(questions) as QuestionKey[]).filter(
    (key) => flags[key] === undefined && inferred[key] === undefined,
  );
}

/** @throws UserError MISSING_ANSWERS, exit 2, naming each flag */
export function refuseOpenQuestions(open: readonly QuestionKey[]): never {
  const flags = open.map((key) => questions[key].flag);
  throw new UserError('MISSING_ANSWERS', `no terminal to ask at, and no answer for ${flags.join(', ')}`, {
    exit: exitCodes.usage,
    suggestions: [
      ...open.map(
        (key) => `${questions[key].flag} ${questions[key].choices?.join('|') ?? questions[key].fallback}`,
      ),
      '--yes takes the defaults',
    ],
  });
}

/**
 * From words to a checked set of answers.
 *
 * @throws UserError BAD_PROJECT_NAME, UNKNOWN_TEMPLATE, BAD_RUNTIME
 */
export function parseAnswers(
  raw: Required<RawAnswers>,
  extra: { readonly runtime?: string | undefined; readonly architecture: string; readonly postgres: number },
): Answers {
  const language = raw.language as Language;
  const runtimes = runtimesOf[language];
  const runtime = extra.runtime ?? runtimes[0];
  if (runtime === undefined || !runtimes.some((known) => known === runtime)) {
    throw new UserError('BAD_RUNTIME', `runtime "${runtime}" does not run ${language}`, {
      exit: exitCodes.usage,
      suggestions: [`--runtime ${runtimes.join(' or ')}`],
    });
  }
  return {
    names: parseProjectName(raw.name),
    template: getTemplate(raw.template),
    language,
    packageManager: raw.packageManager as PackageManager,
    runtime: runtime as Runtime,
    architecture: extra.architecture as Answers['architecture'],
    postgres: extra.postgres as PostgresMajor,
  };
}
