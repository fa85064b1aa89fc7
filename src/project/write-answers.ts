import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { applyEdits, modify } from 'jsonc-parser';
import { exitCodes, UserError } from '../errors.ts';
import { configFileName, type Project } from './find-project.ts';
import { type ConfigFault, readConfig } from './parse-config.ts';

/** A value for one place of `lambdapg.json`: `['cloud', 'network', 'kind']`. */
export interface Answer {
  readonly path: readonly string[];
  readonly value: unknown;
  /** What the person wrote: `--min-acu 0.3`. */
  readonly given: string;
}

/**
 * The project with other answers, not yet on disk. Values equal to the present ones change nothing.
 *
 * @throws UserError BAD_ANSWER (exit 2) when an answer does not fit
 */
export async function withAnswers(project: Project, answers: readonly Answer[]): Promise<ChangedProject> {
  const file = join(project.dir, configFileName);
  const before = await readFile(file, 'utf8');
  let text = before;
  for (const { path, value } of answers) {
    const formattingOptions = { insertSpaces: true, tabSize: 2 };
    text = applyEdits(text, modify(text, [...path], value, { formattingOptions }));
  }
  const { config, faults } = readConfig(text);
  if (config === undefined) throw badAnswers(answers, faults);
  return { project: { ...project, config }, text, changed: text !== before };
}

/** The file was well before: what is wrong now came with the answers. */
export function badAnswers(answers: readonly Answer[], faults: readonly ConfigFault[]): UserError {
  const said = faults.map(({ path, reason }) => {
    const of = answers.find((answer) => `${path}.`.startsWith(`${answer.path.join('.')}.`));
    return `${of?.given ?? `"${path}" of ${configFileName}`}: ${reason}`;
  });
  return new UserError('BAD_ANSWER', said.join('\n'), { exit: exitCodes.usage });
}

export interface ChangedProject {
  readonly project: Project;
  readonly text: string;
  readonly changed: boolean;
}

/** Whole or not at all. The rest of the file keeps its form. */
export async function writeAnswers({ project, text, changed }: ChangedProject): Promise<void> {
  if (!changed) return;
  const file = join(project.dir, configFileName);
  const staging = `${file}.${randomUUID().slice(0, 8)}`;
  try {
    await writeFile(staging, text);
    await rename(staging, file);
  } finally {
    await rm(staging, { force: true });
  }
}
