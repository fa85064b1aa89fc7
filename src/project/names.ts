import { builtinModules } from 'node:module';
import { UserError } from '../errors.ts';

/**
 * The forms of one project name: kebab (package, stack), snake (SQL, Python) and Pascal (classes). Each is a legal
 * name where it stands.
 */
export interface ProjectNames {
  readonly kebab: string;
  readonly snake: string;
  readonly pascal: string;
}

/** A role of the project is `<snake>_owner`; PostgreSQL cuts identifiers at 63 bytes, AWS stack parts earlier. */
const longestName = 40;

const reservedNames = new Set([...builtinModules, 'node_modules', 'favicon.ico', 'lambdapg']);

/** Why `name` cannot name a project, or undefined when it can. */
export function findNameFault(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name !== name.toLowerCase()) return 'npm package names are lower case';
  if (!/^[a-z]/.test(name)) return 'SQL identifiers and AWS stack names start with a letter';
  if (!/^[a-z0-9-]+$/.test(name)) return 'only a-z, 0-9 and "-" are legal in npm, SQL and AWS names alike';
  if (name.includes('--') || name.endsWith('-')) return 'AWS names allow neither "--" nor a final "-"';
  if (name.length > longestName) return `it is longer than ${longestName} characters`;
  if (name.startsWith('pg-')) return 'PostgreSQL reserves role names that start with "pg_"';
  if (reservedNames.has(name)) return 'that name is taken by Node or npm itself';
  return undefined;
}

/** The nearest legal name to a folder's name, or undefined when nothing is left of it. */
export function suggestName(raw: string): string | undefined {
  const name = raw
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, longestName)
    .replace(/-+$/, '');
  for (const candidate of [name, `my-${name}`, `${name}-app`]) {
    if (findNameFault(candidate) === undefined) return candidate;
  }
  return undefined;
}

/** @throws UserError BAD_PROJECT_NAME with the reason and a legal name near it */
export function parseProjectName(name: string): ProjectNames {
  const fault = findNameFault(name);
  if (fault !== undefined) {
    const near = suggestName(name);
    throw new UserError('BAD_PROJECT_NAME', `"${name}" cannot name a project: ${fault}`, {
      exit: 2,
      suggestions: near === undefined ? [] : [`use --name ${near}`],
    });
  }
  return {
    kebab: name,
    snake: name.replaceAll('-', '_'),
    pascal: name
      .split('-')
      .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
      .join(''),
  };
}
