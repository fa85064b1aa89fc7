import { basename, resolve } from 'node:path';
import type { Context } from '../context.ts';
import { exitCodes, UserError } from '../errors.ts';
import { languages } from '../project/choices.ts';
import { type PackageManager, packageManagers, type Runtime } from '../project/config-schema.ts';
import { findNameFault, parseProjectName, suggestName } from '../project/names.ts';
import type { PostgresMajor } from '../project/postgres-packages.ts';
import type { Answers } from './answers.ts';
import { getTemplate, runtimesOf, templates } from './catalog.ts';
import { type ChoiceFlags, resolveChoices } from './resolve-choices.ts';

/** The four things that are asked when no flag, inference or default answers them. */
export interface RawAnswers {
  readonly name?: string | undefined;
  readonly template?: string | undefined;
  readonly language?: string | undefined;
  readonly packageManager?: string | undefined;
}

export type QuestionKey = keyof RawAnswers;

const questionKeys = ['name', 'template', 'language', 'packageManager'] as const;

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

interface Inferred {
  readonly value: string;
  /** Where it was seen, for the person: `from the directory`. */
  readonly source: string;
}

/**
 * What a machine can tell by itself: the package manager from `npm_config_user_agent`, the name from the folder.
 * `directory`: absolute, or undefined when none was named.
 */
function inferAnswers(
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

/** @throws UserError MISSING_ANSWERS, exit 2, naming each flag */
function refuseOpenQuestions(open: readonly QuestionKey[]): never {
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

export interface GivenAnswers extends RawAnswers, Omit<ChoiceFlags, 'language'> {
  /** As typed; absent when none was. */
  readonly directory: string | undefined;
  /** `--yes`: the fallback answers what is still open. */
  readonly yes: boolean;
  readonly runtime?: string | undefined;
  readonly architecture: string;
  readonly 'pg-version': string;
}

/**
 * Answers each question from the first that can: flag, inference (shown), fallback (with `--yes`), person.
 *
 * `ask`: absent where there is nobody.
 *
 * @returns the answers and the folder (absolute) that the project goes to
 * @throws UserError MISSING_ANSWERS where nobody can be asked, naming every open question at once; BAD_PROJECT_NAME,
 * UNKNOWN_TEMPLATE, BAD_RUNTIME, BAD_CROSSING
 */
export async function resolveAnswers(
  context: Context,
  given: GivenAnswers,
  ask?: (question: Question) => Promise<string>,
): Promise<Answers & { readonly directory: string }> {
  const person = given.yes ? undefined : ask;
  const folder = given.directory ?? (person !== undefined || given.name !== undefined ? undefined : '.');
  const inferred = inferAnswers(
    folder === undefined ? undefined : basename(resolve(context.cwd, folder)),
    context.env.npm_config_user_agent,
  );
  const fromTemplate = (id: string | undefined): Partial<Record<QuestionKey, Inferred>> => {
    const language = templates.find((template) => template.id === id)?.choices.language;
    return language === undefined ? {} : { language: { value: language, source: `template ${id}` } };
  };
  const known = { ...fromTemplate(given.template), ...inferred };
  const open = questionKeys.filter((key) => given[key] === undefined && known[key] === undefined);
  if (open.length > 0 && !given.yes && person === undefined) refuseOpenQuestions(open);
  const raw: Partial<Record<QuestionKey, string>> = {};
  for (const key of questionKeys) {
    const { message, fallback } = questions[key];
    const guess = given[key] === undefined ? { ...fromTemplate(raw.template), ...inferred }[key] : undefined;
    raw[key] = given[key] ?? guess?.value ?? (await person?.(questions[key])) ?? fallback;
    if (guess !== undefined)
      context.report({ type: 'inferred', message: `${message}: ${guess.value} (${guess.source})` });
  }
  const answers = parseAnswers(raw as Record<QuestionKey, string>, given);
  return { ...answers, directory: resolve(context.cwd, folder ?? answers.names.kebab) };
}

/**
 * From words to a checked set of answers.
 *
 * @throws UserError BAD_PROJECT_NAME, UNKNOWN_TEMPLATE, BAD_RUNTIME, BAD_CROSSING, BAD_FLAGS, BAD_ANSWER
 */
function parseAnswers(raw: Readonly<Record<QuestionKey, string>>, given: GivenAnswers): Answers {
  const template = getTemplate(raw.template);
  const names = parseProjectName(raw.name);
  const { choices, cloud } = resolveChoices(template, { ...given, language: raw.language });
  const runtimes = runtimesOf[choices.language];
  const runtime = given.runtime ?? runtimes[0];
  if (runtime === undefined || !runtimes.some((known) => known === runtime)) {
    throw new UserError('BAD_RUNTIME', `runtime "${runtime}" does not run ${choices.language}`, {
      exit: exitCodes.usage,
      suggestions: [`--runtime ${runtimes.join(' or ')}`],
    });
  }
  return {
    ...{ names, template: template.id, choices, cloud },
    packageManager: raw.packageManager as PackageManager,
    runtime: runtime as Runtime,
    architecture: given.architecture as Answers['architecture'],
    postgres: Number(given['pg-version']) as PostgresMajor,
  };
}
