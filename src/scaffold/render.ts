import type { ProjectNames } from '../project/names.ts';
import type { Files } from './files.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const text = new TextDecoder('utf-8', { fatal: true });
const placeholder = /__PROJECT(_ID|_CLASS)?__/g;

/**
 * Puts layers on top of each other: a later file replaces an earlier one, JSON objects are merged key by key, and the
 * three placeholders become the project's names, in paths and in text. Pure.
 */
export function render(layers: readonly Files[], names: ProjectNames): Files {
  const rendered = new Map<string, Uint8Array | string>();
  for (const layer of layers) {
    for (const [rawPath, rawContent] of layer) {
      const path = fill(rawPath, names);
      const content = fillContent(rawContent, names);
      const below = rendered.get(path);
      rendered.set(path, below !== undefined && isJson(path) ? mergeText(below, content) : content);
    }
  }
  return new Map([...rendered].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Objects merge key by key, `null` removes a key, everything else is replaced. */
export function mergeJson(below: Json, above: Json): Json {
  if (!isObject(below) || !isObject(above)) return above;
  const merged: { [key: string]: Json } = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const existing = merged[key];
    if (value === null) delete merged[key];
    else merged[key] = existing === undefined ? value : mergeJson(existing, value);
  }
  return merged;
}

function isObject(value: Json): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mergeText(below: Uint8Array | string, above: Uint8Array | string): string {
  const merged = mergeJson(JSON.parse(asText(below)) as Json, JSON.parse(asText(above)) as Json);
  return `${JSON.stringify(merged, null, 2)}\n`;
}

function fillContent(content: Uint8Array | string, names: ProjectNames): Uint8Array | string {
  if (typeof content === 'string') return fill(content, names);
  try {
    return fill(text.decode(content), names);
  } catch {
    return content;
  }
}

function fill(value: string, names: ProjectNames): string {
  return value.replaceAll(placeholder, (_match, kind: string | undefined) =>
    kind === '_ID' ? names.snake : kind === '_CLASS' ? names.pascal : names.kebab,
  );
}

const asText = (content: Uint8Array | string): string =>
  typeof content === 'string' ? content : text.decode(content);
const isJson = (path: string): boolean => path.endsWith('.json');
