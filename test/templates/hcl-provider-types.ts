import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';
import { execa } from '../../src/exec.ts';
import type { HclModule } from './hcl-module.ts';

/**
 * Types that were generated from the schema of a provider, which is 700 MB itself and not everywhere. They are read, never
 * imported or shipped, and of their 436 MB only what is asked for is unpacked.
 */
const types = { name: '@cdktn/provider-aws', version: '25.7.0', provider: '6.66.0' } as const;
export const checkedProvider = types.provider;

const cache = fileURLToPath(new URL('../../.cache/templates', import.meta.url));
const templates = fileURLToPath(new URL('../../templates/terraform', import.meta.url));

/** What a block may hold: attributes and nested blocks, by Terraform's names. */
export interface BlockSchema {
  readonly required: ReadonlySet<string>;
  /** The schema of a nested block; undefined for an attribute. */
  readonly members: ReadonlyMap<string, BlockSchema | undefined>;
}

let unpacked: Promise<string> | undefined;

/** The folder with the types of all resources and data sources that the templates name. Fetched once for this list of them. */
export function fetchProviderTypes(): Promise<string> {
  unpacked ??= findTypes();
  return unpacked;
}

async function findTypes(): Promise<string> {
  const names = await namedInTemplates();
  const list = createHash('sha256').update(names.join()).digest('hex').slice(0, 12);
  const folder = join(cache, `provider-aws-${types.version}-${list}`);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const staging = await mkdtemp(join(cache, 'provider-aws-'));
  try {
    await unpack(staging, new Set(names));
    const missing = names.filter((name) => !existsSync(join(staging, name)));
    if (missing.length > 0) throw new Error(`provider ${types.provider} knows no ${missing.join(', ')}`);
    // Another run may have been first.
    await rename(staging, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return folder;
}

/** npm checks the package's integrity. */
async function unpack(directory: string, names: ReadonlySet<string>): Promise<void> {
  const spec = `${types.name}@${types.version}`;
  await execa('npm', ['pack', spec, '--silent'], { cwd: directory });
  const [archive = ''] = (await readdir(directory)).filter((name) => name.endsWith('.tgz'));
  const file = join(directory, archive);
  await extract({
    ...{ file, cwd: directory, strip: 2 },
    filter: (path) => path.endsWith('.d.ts') && names.has(path.split('/')[2] ?? ''),
  });
  await rm(file);
}

async function namedInTemplates(): Promise<string[]> {
  const paths = (await readdir(templates, { recursive: true })).filter((path) => path.endsWith('.tf'));
  const texts = await Promise.all(paths.map((path) => readFile(join(templates, path), 'utf8')));
  const named = texts
    .flatMap((text) => [...text.matchAll(/^(resource|data) "(aws_\w+)"/gm)])
    .map(([, kind, type = '']) => folderOf(type, kind as 'resource' | 'data'));
  return [...new Set(named)].sort();
}

/** `aws_db_proxy` -> `db-proxy`; `data.aws_vpc` -> `data-aws-vpc`. */
const folderOf = (type: string, kind: 'resource' | 'data'): string =>
  `${kind === 'data' ? 'data-aws-' : ''}${type.replace(/^aws_/, '').replaceAll('_', '-')}`;

/** Every attribute and block of the module that the provider does not know, and every one that it misses. */
export async function findSchemaFaults(module: HclModule): Promise<string[]> {
  const blocks = [
    ...module.resources
      .filter(({ type }) => type !== 'terraform_data')
      .map((block) => ({ block, folder: folderOf(block.type, 'resource') })),
    ...module.data.map((block) => ({ block, folder: folderOf(block.type, 'data') })),
  ];
  const root = await fetchProviderTypes();
  const faults: string[] = [];
  for (const { block, folder } of blocks) {
    const schema = await readSchema(join(root, folder));
    faults.push(...blockFaults(`${block.type}.${block.name}`, block.body, schema));
  }
  return faults;
}

async function readSchema(folder: string): Promise<BlockSchema> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.d.ts'));
  const text = (await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
  const interfaces = new Map<string, string>();
  for (const [, name = '', body = ''] of text.matchAll(/export interface (\w+)[^{]*\{([\s\S]*?)^\}/gm))
    interfaces.set(name, body);
  const root = [...interfaces.keys()].find((name) => name.endsWith('Config') && isRoot(text, name));
  if (root === undefined) throw new Error(`${folder} has no configuration`);
  return schemaOf(root, interfaces);
}

const isRoot = (text: string, name: string): boolean =>
  text.includes(`export interface ${name} extends cdktn.TerraformMetaArguments`);

function schemaOf(name: string, interfaces: ReadonlyMap<string, string>): BlockSchema {
  const members = new Map<string, BlockSchema | undefined>();
  const required = new Set<string>();
  for (const [, key = '', optional, type = ''] of (interfaces.get(name) ?? '').matchAll(
    /readonly (\w+)(\?)?: ([^;]+);/g,
  )) {
    const member = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const nested = /^(\w+)/.exec(type)?.[1] ?? '';
    members.set(member, interfaces.has(nested) ? schemaOf(nested, interfaces) : undefined);
    if (optional === undefined) required.add(member);
  }
  return { members, required };
}

/** What every resource may hold, whatever its provider. */
const meta = new Set(['for_each', 'count', 'depends_on', 'lifecycle', 'provider', 'dynamic']);

function blockFaults(path: string, body: Readonly<Record<string, unknown>>, schema: BlockSchema): string[] {
  const dynamic = (body.dynamic ?? {}) as Record<string, { content: Record<string, unknown>[] }[]>;
  const given = new Set([...Object.keys(body).filter((key) => !meta.has(key)), ...Object.keys(dynamic)]);
  const unknown = [...given]
    .filter((key) => !schema.members.has(key))
    .map((key) => `${path}.${key}: unknown`);
  const missing = [...schema.required]
    .filter((key) => !given.has(key))
    .map((key) => `${path}.${key}: missing`);
  const nested = [...given].flatMap((key) => {
    const inner = schema.members.get(key);
    const blocks = key in dynamic ? dynamic[key]?.flatMap(({ content }) => content) : body[key];
    if (inner === undefined || !Array.isArray(blocks)) return [];
    return blocks.flatMap((block) => blockFaults(`${path}.${key}`, block as Record<string, unknown>, inner));
  });
  return [...unknown, ...missing, ...nested];
}
