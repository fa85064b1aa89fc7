import { isDeepStrictEqual } from 'node:util';
import { applyEdits, type JSONPath, modify, type ParseError, parse } from 'jsonc-parser';
import compare from 'semver/functions/compare.js';
import minVersion from 'semver/ranges/min-version.js';
import validRange from 'semver/ranges/valid.js';
import type { Conflict } from './file-change.ts';

type Json = null | boolean | number | string | Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}
type Maybe = Json | undefined;

export interface DocumentMerge {
  readonly text: string;
  readonly conflicts: readonly Conflict[];
  /** What the template has and the person took out, or the other way round. */
  readonly notes: readonly string[];
}

interface Edit {
  readonly path: JSONPath;
  readonly value: Maybe;
  /** The keys of the template's object, in order. */
  readonly order: readonly string[];
}

/**
 * Three-way merge of JSON by keys, comments and form of `mine` kept: what only the template changed is changed; what
 * only the person changed stays; what both changed stays as the person has it, and is a conflict. Lists are one value.
 *
 * @returns undefined where one of them is no JSON object
 */
export function mergeDocument(texts: {
  readonly mine: string;
  readonly base: string;
  readonly theirs: string;
}): DocumentMerge | undefined {
  const [mine, base, theirs] = [texts.mine, texts.base, texts.theirs].map(parseObject);
  if (mine === undefined || base === undefined || theirs === undefined) return undefined;
  const found: Found = { edits: [], conflicts: [], notes: [] };
  compareValues({ mine, base, theirs }, [], [], found);
  return { text: found.edits.reduce(applyEdit, texts.mine), conflicts: found.conflicts, notes: found.notes };
}

function parseObject(text: string): JsonObject | undefined {
  const errors: ParseError[] = [];
  const value = parse(withoutMark(text), errors, { allowTrailingComma: true }) as Maybe;
  return errors.length === 0 && isObject(value) ? value : undefined;
}

interface Found {
  readonly edits: Edit[];
  readonly conflicts: Conflict[];
  readonly notes: string[];
}

interface Sides {
  readonly mine: Maybe;
  readonly base: Maybe;
  readonly theirs: Maybe;
}

function compareValues(sides: Sides, path: JSONPath, order: readonly string[], found: Found): void {
  const { mine, base, theirs } = sides;
  if (isDeepStrictEqual(base, theirs) || isDeepStrictEqual(mine, theirs)) return;
  if (isObject(mine) && isObject(theirs) && (base === undefined || isObject(base))) {
    const keys = new Set([...Object.keys(theirs), ...Object.keys(base ?? {})]);
    for (const key of keys) {
      const inner = { mine: mine[key], base: base?.[key], theirs: theirs[key] };
      compareValues(inner, [...path, key], Object.keys(theirs), found);
    }
    return;
  }
  if (isDeepStrictEqual(mine, base)) found.edits.push({ path, value: theirs, order });
  else settle(sides, path, found);
}

/** Both changed it. */
function settle({ mine, theirs }: Sides, path: JSONPath, { conflicts, notes }: Found): void {
  const place = path.join('.');
  if (mine === undefined) notes.push(`${place} is gone here; the template has ${shown(theirs)}`);
  else if (theirs === undefined) notes.push(`${place} stays; the template no longer has it`);
  else if (!isNewer(path, mine, theirs)) conflicts.push({ place, mine: shown(mine), theirs: shown(theirs) });
}

/** A person (or a bot) who raised a package beyond what the template asks for is not in conflict with it. */
function isNewer(path: JSONPath, mine: Json, theirs: Json): boolean {
  const isPackage = path.length === 2 && /^(dev|optional|peer)?dependencies$/i.test(String(path[0]));
  if (!isPackage || typeof mine !== 'string' || typeof theirs !== 'string') return false;
  if (validRange(mine) === null || validRange(theirs) === null) return false;
  const [ours, wanted] = [minVersion(mine), minVersion(theirs)];
  return ours !== null && wanted !== null && compare(ours, wanted) >= 0;
}

function applyEdit(text: string, { path, value, order }: Edit): string {
  const mark = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const body = withoutMark(text);
  const indent = /^([ \t]+)["/]/m.exec(body)?.[1] ?? '  ';
  const edits = modify(body, path, value, {
    formattingOptions: {
      insertSpaces: !indent.startsWith('\t'),
      tabSize: indent.length,
      eol: body.includes('\r\n') ? '\r\n' : '\n',
    },
    getInsertionIndex: (present) => indexFor(String(path.at(-1)), order, present),
  });
  return mark + applyEdits(body, edits);
}

/** After the key that stands before it in the template; without one there, at the end. */
function indexFor(key: string, order: readonly string[], present: readonly string[]): number {
  const before = order.slice(0, order.indexOf(key)).reverse();
  const neighbour = before.find((candidate) => present.includes(candidate));
  return neighbour === undefined ? present.length : present.indexOf(neighbour) + 1;
}

function isObject(value: Maybe): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const withoutMark = (text: string): string => text.replace(/^\uFEFF/, '');
const shown = (value: Maybe): string => (value === undefined ? 'nothing' : JSON.stringify(value));
