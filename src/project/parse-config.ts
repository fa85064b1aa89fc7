import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import * as z from 'zod';
import { exitCodes, UserError } from '../errors.ts';
import { configSchema, type ProjectConfig } from './config-schema.ts';
import { nearest } from './nearest.ts';

/** One thing that is wrong with the file. */
export interface ConfigFault {
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
  const { config, faults } = readConfig(text);
  if (config === undefined) throw badConfig(file, faults);
  return config;
}

/** The configuration, or all that is wrong with it. */
export function readConfig(text: string): {
  readonly config?: ProjectConfig;
  readonly faults: readonly ConfigFault[];
} {
  const syntaxErrors: ParseError[] = [];
  const root = parseTree(text, syntaxErrors, { allowTrailingComma: false, disallowComments: true });
  if (root === undefined && syntaxErrors.length === 0) return { faults: [emptyFile] };
  if (syntaxErrors.length > 0 || root === undefined) {
    const faults = syntaxErrors.map((error) => ({
      ...position(text, error.offset),
      path: '',
      reason: `not JSON: ${words(printParseErrorCode(error.error))}`,
    }));
    return { faults };
  }
  const parsed = configSchema.safeParse(getNodeValue(root));
  if (parsed.success) return { config: parsed.data, faults: [] };
  return { faults: parsed.error.issues.flatMap((issue) => faultsOf(issue, root, text)) };
}

const emptyFile: ConfigFault = { line: 1, column: 1, path: '', reason: 'the file is empty' };

type Issue = z.core.$ZodIssue;

function faultsOf(issue: Issue, root: Node, text: string): ConfigFault[] {
  const path = pathOf(issue);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const reason = `unknown key${near === undefined ? '' : `, did you mean "${near}"?`}`;
      return locate([...path, key], reason, root, text);
    });
  }
  const meant = issue.code === 'invalid_union' ? meantBranch(issue) : undefined;
  if (meant !== undefined) return meant.flatMap((inner) => faultsOf(inner, root, text));
  // A rule between answers: the one that has to change may be a default, which stands nowhere.
  if (issue.code === 'custom' && issue.params?.isCrossing === true)
    return [locate(path, issue.message, root, text)];
  const node = findNodeAtLocation(root, path);
  if (node === undefined) return [locate(path, 'is missing', root, text)];
  const found = text.slice(node.offset, node.offset + Math.min(node.length, 60));
  const reason = lowerFirst(expectationOf(issue));
  const isNamed = typeof node.value === 'string' && reason.includes(`"${node.value}"`);
  return [locate(path, isNamed ? reason : `${reason}, found ${found}`, root, text)];
}

const pathOf = ({ path }: Issue): (string | number)[] =>
  path.map((part) => (typeof part === 'number' ? part : String(part)));

type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

/** Of several forms the one that the value has: the only one whose faults lie inside it, as those of an object do. */
function meantBranch({ errors, path }: UnionIssue): Issue[] | undefined {
  const inside = errors.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys'),
  );
  if (inside.length !== 1) return undefined;
  return inside[0]?.map((issue) => ({ ...issue, path: [...path, ...issue.path] }));
}

/** Where a union is of literals alone they are named; zod itself says only that none fits. */
function expectationOf(issue: Issue): string {
  if (issue.code !== 'invalid_union') return issue.message;
  const literals = issue.errors.map(([only]) => (only?.code === 'invalid_value' ? only.values : undefined));
  return literals.includes(undefined)
    ? issue.message
    : `expected one of ${literals.flat().map(String).join(', ')}`;
}

/** The keys that the schema knows in the object at `path`, read from the schema itself. */
function knownKeys(path: readonly (string | number)[]): string[] {
  const inner = path.reduce<z.core.$ZodType | undefined>(
    (schema, part) => (schema === undefined ? undefined : memberOf(objectOf(schema), part)),
    configSchema,
  );
  const schema = inner === undefined ? undefined : objectOf(inner);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Without defaults and alternatives that hold no keys. */
function objectOf(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return objectOf(schema.unwrap());
  if (!(schema instanceof z.ZodUnion)) return schema;
  return schema.options.map(objectOf).find((option) => option instanceof z.ZodObject) ?? schema;
}

function memberOf(schema: z.core.$ZodType, part: string | number): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[part] as z.core.$ZodType | undefined;
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return schema instanceof z.ZodArray ? schema.element : undefined;
}

function locate(path: readonly (string | number)[], reason: string, root: Node, text: string): ConfigFault {
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

function badConfig(file: string, faults: readonly ConfigFault[]): UserError {
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
