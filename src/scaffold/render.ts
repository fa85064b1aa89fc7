import type { Files } from './files.ts';
import { mergeYaml } from './merge-yaml.ts';

/** What each placeholder stands for: `PROJECT` for `__PROJECT__`. */
export interface Values {
  readonly PROJECT: string;
  readonly PROJECT_ID: string;
  readonly PROJECT_CLASS: string;
  /** For formats that cannot read `lambdapg.json`. */
  readonly RUNTIME: string;
  readonly ARCHITECTURE: string;
  readonly POSTGRES: string;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const text = new TextDecoder('utf-8', { fatal: true });
const placeholder = /__(PROJECT|PROJECT_ID|PROJECT_CLASS|RUNTIME|ARCHITECTURE|POSTGRES)__/g;

/**
 * Puts layers on top of each other: a later file replaces an earlier one, JSON and YAML are merged key by key, a later
 * `README.md` is appended, and the placeholders become the project's names, in paths and in text. Pure.
 */
export function render(layers: readonly Files[], values: Values): Files {
  const rendered = new Map<string, Uint8Array | string>();
  for (const layer of layers) {
    for (const [rawPath, rawContent] of layer) {
      const path = fill(rawPath, values);
      const content = fillContent(rawContent, values);
      const below = rendered.get(path);
      rendered.set(path, below === undefined ? content : putOn(path, below, content));
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

function putOn(path: string, below: Uint8Array | string, above: Uint8Array | string): Uint8Array | string {
  if (path.endsWith('.json')) {
    const merged = mergeJson(JSON.parse(asText(below)) as Json, JSON.parse(asText(above)) as Json);
    return `${JSON.stringify(merged, null, 2)}\n`;
  }
  if (/\.ya?ml$/.test(path)) return mergeYaml(asText(below), asText(above));
  if (path === 'README.md') return `${asText(below).trimEnd()}\n\n${asText(above)}`;
  return above;
}

function fillContent(content: Uint8Array | string, values: Values): Uint8Array | string {
  if (typeof content === 'string') return fill(content, values);
  try {
    return fill(text.decode(content), values);
  } catch {
    return content;
  }
}

function fill(value: string, values: Values): string {
  return value.replaceAll(placeholder, (_match, name: keyof Values) => values[name]);
}

const asText = (content: Uint8Array | string): string =>
  typeof content === 'string' ? content : text.decode(content);
