import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { exitCodes, UserError } from '../errors.ts';
import { configSchema, type ProjectConfig } from './config-schema.ts';
import { nearest } from './nearest.ts';

interface Fault {
  readonly line: number;
  readonly column: number;
  /** `functions.api.timeoutSeconds`, empty for the file as a whole. */
  readonly path: string;
  readonly reason: string;
}

/**
 * Reads the text of `lambdapg.json`: from unknown to typed, with every fault at once.
 *
 * @throws UserError BAD_CONFIG whose message lists each fault as `file:line:column path: reason`
 */
export function parseConfig(text: string, file: string): ProjectConfig {
  const syntaxErrors: ParseError[] = [];
  const root = parseTree(text, syntaxErrors, { allowTrailingComma: false, disallowComments: true });
  if (syntaxErrors.length > 0 || root === undefined) {
    const faults = syntaxErrors.map((error) => ({
      ...position(text, error.offset),
      path: '',
      reason: `not JSON: ${words(printParseErrorCode(error.error))}`,
    }));
    throw badConfig(
      file,
      faults.length > 0 ? faults : [{ line: 1, column: 1, path: '', reason: 'the file is empty' }],
    );
  }
  const parsed = configSchema.safeParse(getNodeValue(root));
  if (parsed.success) return parsed.data;
  throw badConfig(
    file,
    parsed.error.issues.flatMap((issue) => faultsOf(issue, root, text)),
  );
}

type Issue = NonNullable<ReturnType<typeof configSchema.safeParse>['error']>['issues'][number];

function faultsOf(issue: Issue, root: Node, text: string): Fault[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const reason = `unknown key${near === undefined ? '' : `, did you mean "${near}"?`}`;
      return locate([...path, key], reason, root, text);
    });
  }
  const node = findNodeAtLocation(root, path);
  if (node === undefined) return [locate(path, 'is missing', root, text)];
  const reason =
    issue.code === 'custom'
      ? issue.message
      : `${lowerFirst(issue.message)}, found ${text.slice(node.offset, node.offset + Math.min(node.length, 60))}`;
  return [locate(path, reason, root, text)];
}

/** The keys that the schema knows in the object at `path`, read from the schema itself. */
function knownKeys(path: readonly (string | number)[]): string[] {
  if (path.length === 0) return Object.keys(configSchema.shape);
  if (path[0] === 'functions') return Object.keys(configSchema.shape.functions.valueType.shape);
  return path[0] === 'postgres' ? Object.keys(configSchema.shape.postgres.unwrap().shape) : [];
}

function locate(path: readonly (string | number)[], reason: string, root: Node, text: string): Fault {
  let node: Node = root;
  for (let length = path.length; length > 0; length -= 1) {
    const found = findNodeAtLocation(root, path.slice(0, length));
    if (found !== undefined) {
      node = found.parent?.type === 'property' ? found.parent : found;
      break;
    }
  }
  return { ...position(text, node.offset), path: path.join('.'), reason };
}

function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

function badConfig(file: string, faults: readonly Fault[]): UserError {
  const ordered = [...faults].sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = ordered.map(
    ({ line, column, path, reason }) =>
      `  ${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${reason}`,
  );
  const count = ordered.length === 1 ? 'one fault' : `${ordered.length} faults`;
  return new UserError('BAD_CONFIG', `${file} has ${count}\n${lines.join('\n')}`, {
    exit: exitCodes.usage,
    suggestions: ['an editor that reads "$schema" completes and checks the file as you type'],
  });
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
const words = (code: string): string =>
  code
    .replaceAll(/([A-Z])/g, ' $1')
    .trim()
    .toLowerCase();
