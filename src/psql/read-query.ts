import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errorCode, errorMessage, exitCodes, UserError } from '../errors.ts';

/** SQL as a person gave it. */
export interface GivenSql {
  /** For errors: `-c`, a file as it was written, `standard input`. */
  readonly path: string;
  readonly text: string;
  readonly oneTransaction: boolean;
}

export interface SqlSources {
  readonly command: string | undefined;
  /** From `cwd`; `-` is standard input. */
  readonly file: string | undefined;
  /** Undefined on a terminal. */
  readonly input: AsyncIterable<Buffer | string> | undefined;
}

/**
 * What is to be run; undefined when nothing is given, which asks for the interactive program.
 *
 * @throws UserError SQL_FILE_UNREADABLE (exit 2)
 */
export async function readQuery(
  cwd: string,
  { command, file, input }: SqlSources,
): Promise<GivenSql | undefined> {
  if (command !== undefined) return { path: '-c', text: command, oneTransaction: true };
  if (file !== undefined && file !== '-')
    return { path: file, text: await readSql(cwd, file), oneTransaction: false };
  if (input === undefined) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(Buffer.from(chunk));
  return { path: 'standard input', text: Buffer.concat(chunks).toString('utf8'), oneTransaction: false };
}

async function readSql(cwd: string, file: string): Promise<string> {
  try {
    return (await readFile(resolve(cwd, file), 'utf8')).replace(/^\ufeff/, '');
  } catch (error) {
    const why = errorCode(error) === 'ENOENT' ? 'there is no such file' : errorMessage(error);
    throw new UserError('SQL_FILE_UNREADABLE', `cannot read "${file}": ${why}`, { exit: exitCodes.usage });
  }
}
