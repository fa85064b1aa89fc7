import { parse } from '@cdktn/hcl2json';
import type { Files } from '../../src/scaffold/files.ts';

type Body = Readonly<Record<string, unknown>>;

export interface HclBlock {
  /** Of a resource or data source: `aws_vpc`. */
  readonly type: string;
  readonly name: string;
  /** Attributes and nested blocks (lists); an expression is its text in `${…}`. */
  readonly body: Body;
}

/** A root module as Terraform's own parser reads it, without what only Terraform can compute. */
export interface HclModule {
  readonly resources: readonly HclBlock[];
  readonly data: readonly HclBlock[];
  readonly variables: Readonly<Record<string, Body>>;
  readonly outputs: Readonly<Record<string, Body>>;
  readonly locals: Body;
  readonly terraform: Body;
  readonly providers: Readonly<Record<string, Body>>;
}

interface Parsed {
  readonly resource?: Record<string, Record<string, Body[]>>;
  readonly data?: Record<string, Record<string, Body[]>>;
  readonly variable?: Record<string, Body[]>;
  readonly output?: Record<string, Body[]>;
  readonly locals?: Body[];
  readonly terraform?: Body[];
  readonly provider?: Record<string, Body[]>;
}

/** Most files stand in many projects. */
const known = new Map<string, Promise<unknown>>();

function parseOnce(path: string, text: string): Promise<Parsed> {
  const parsed = known.get(text) ?? parse(path, text);
  known.set(text, parsed);
  return parsed as Promise<Parsed>;
}

/**
 * The module that the `*.tf` of one folder make. Names that are given twice are refused, as Terraform refuses them.
 *
 * @throws Error with file, line and column where the syntax is wrong
 */
export async function readHclModule(files: Files, folder = 'infra'): Promise<HclModule> {
  const paths = [...files.keys()].filter((path) => new RegExp(`^${folder}/[^/]+\\.tf$`).test(path));
  const parsed: Parsed[] = [];
  for (const path of paths) parsed.push(await parseOnce(path, String(files.get(path))));
  return {
    resources: blocksOf(parsed, 'resource'),
    data: blocksOf(parsed, 'data'),
    variables: joined(parsed.map(({ variable }) => firstOf(variable))),
    outputs: joined(parsed.map(({ output }) => firstOf(output))),
    locals: joined(parsed.flatMap(({ locals = [] }) => locals)),
    terraform: joined(parsed.flatMap(({ terraform = [] }) => terraform)),
    providers: joined(parsed.map(({ provider }) => firstOf(provider))),
  };
}

function blocksOf(parsed: readonly Parsed[], kind: 'resource' | 'data'): HclBlock[] {
  const blocks = parsed.flatMap((file) =>
    Object.entries(file[kind] ?? {}).flatMap(([type, named]) =>
      Object.entries(named).flatMap(([name, bodies]) => bodies.map((body) => ({ type, name, body }))),
    ),
  );
  const names = blocks.map(({ type, name }) => `${type}.${name}`);
  refuseTwice(names);
  return blocks;
}

const firstOf = (named: Record<string, Body[]> = {}): Record<string, Body> =>
  Object.fromEntries(Object.entries(named).map(([name, bodies]) => [name, bodies[0] ?? {}]));

function joined<T>(parts: readonly Readonly<Record<string, T>>[]): Record<string, T> {
  refuseTwice(parts.flatMap((part) => Object.keys(part)));
  return Object.assign({}, ...parts) as Record<string, T>;
}

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`${twice} is there twice`);
}

/** What is named in expressions and nowhere declared: `local.front`, `aws_vpc.vpc`. */
export function findUndeclared(module: HclModule): string[] {
  const declared = new Set([
    ...module.resources.map(({ type, name }) => `${type}.${name}`),
    ...module.data.map(({ type, name }) => `data.${type}.${name}`),
    ...Object.keys(module.variables).map((name) => `var.${name}`),
    ...Object.keys(module.locals).map((name) => `local.${name}`),
  ]);
  const text = JSON.stringify(module);
  const named = text.matchAll(/(?<![\w."$:])(data\.aws_\w+\.\w+|aws_\w+\.\w+|var\.\w+|local\.\w+)/g);
  const all = new Set([...named].map(([name]) => name));
  return [...all].filter((name) => !declared.has(name)).sort();
}

/** Variables and locals that nothing uses. */
export function findUnused(module: HclModule): string[] {
  const text = JSON.stringify(module);
  const names = [
    ...Object.keys(module.variables).map((name) => `var.${name}`),
    ...Object.keys(module.locals).map((name) => `local.${name}`),
  ];
  return names.filter((name) => !new RegExp(`\\b${name.replace('.', '\\.')}\\b`).test(text));
}
