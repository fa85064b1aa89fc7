import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { errorCode, exitCodes, UserError } from '../errors.ts';
import type { ProjectConfig } from './config-schema.ts';
import { type ProjectNames, parseProjectName } from './names.ts';
import { parseConfig } from './parse-config.ts';

export const configFileName = 'lambdapg.json';

/** A project as found on disk. */
export interface Project {
  /** Absolute: the folder that holds `lambdapg.json`. */
  readonly dir: string;
  readonly config: ProjectConfig;
  readonly names: ProjectNames;
}

/**
 * The project that `startDir` (absolute) lies in: the nearest `lambdapg.json` there or above.
 *
 * @throws UserError NO_PROJECT, or BAD_CONFIG with every fault of the file
 */
export async function getProject(startDir: string): Promise<Project> {
  for (let dir = resolve(startDir); ; dir = dirname(dir)) {
    const file = join(dir, configFileName);
    const text = await readIfThere(file);
    if (text !== undefined) {
      const config = parseConfig(text, relative(startDir, file) || configFileName);
      return { dir, config, names: parseProjectName(config.name) };
    }
    if (dir === dirname(dir)) throw noProject(startDir);
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw new UserError('UNREADABLE_CONFIG', `cannot read ${file}`, { cause: error });
  }
}

function noProject(startDir: string): UserError {
  return new UserError('NO_PROJECT', `no ${configFileName} in ${startDir} or above it`, {
    exit: exitCodes.usage,
    suggestions: ['lambdapg init my-api makes a project', 'or run this in the folder of a project'],
  });
}
