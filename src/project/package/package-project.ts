import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { exitCodes, UserError } from '../../errors.ts';
import { isManaged } from '../choices.ts';
import { configFileName, type Project } from '../find-project.ts';
import { type FunctionPackage, packageFiles, packageFunctions } from './package-functions.ts';
import { wheelFiles } from './python-files.ts';
import { isSource, readTree } from './read-tree.ts';
import type { PackageFiles } from './zip-files.ts';

/** One zip in the folder that an engine uploads from. */
export interface ProjectZip {
  readonly file: string;
  readonly bytes: number;
  /** As Lambda's `CodeSha256`. */
  readonly sha256: string;
}

export interface ProjectPackage {
  /** Absolute. */
  readonly dir: string;
  readonly zips: readonly ProjectZip[];
}

export interface ProjectPackageOptions {
  /** Only these functions, and nothing besides; all there is when absent. */
  readonly only?: readonly string[] | undefined;
  /** Absolute: where the zips go. */
  readonly out: string;
  readonly cacheDir: string;
  /** `rds-ca.pem`, where the database is one of RDS; else nothing. */
  readonly certificates: PackageFiles;
  /** Absolute: the code of the runner, and of the function that brings a schema up to date. */
  readonly runnerDir: string;
  readonly schemaDir: string;
}

/** Where engines find the zips, from the project's folder. */
export const packageDirOf = ({ dir }: Project): string => join(dir, '.lambdapg', 'package');

/** Zips beside those of functions. */
const ownNames = ['layer', 'proxy', 'runner', 'schema'];
const manifestFile = 'manifest.json';

/**
 * Builds all that an engine uploads (docs/decisions/011-engines.md). The same sources make the same bytes, and a zip that is there
 * already is not touched; one of a function that is no more goes.
 *
 * @throws UserError FUNCTION_NOT_FOUND, RESERVED_NAME; those of `packageFunctions`
 */
export async function packageProject(
  context: Context,
  project: Project,
  options: ProjectPackageOptions,
): Promise<ProjectPackage> {
  const { out, only } = options;
  const packages = await buildPackages(context, project, options);
  await mkdir(out, { recursive: true });
  const zips: ProjectZip[] = [];
  for (const [file, { zip, sha256 }] of packages) {
    await writeIfNew(join(out, file), zip);
    zips.push({ file, bytes: zip.length, sha256 });
  }
  if (only === undefined) {
    const names = new Set(zips.map(({ file }) => file));
    const former = await readManifest(out);
    for (const file of former) if (!names.has(file)) await rm(join(out, file), { force: true });
    await writeIfNew(join(out, manifestFile), Buffer.from(`${JSON.stringify({ zips }, null, 2)}\n`));
  }
  return { dir: out, zips };
}

async function buildPackages(
  context: Context,
  project: Project,
  options: ProjectPackageOptions,
): Promise<Map<string, FunctionPackage>> {
  const { config, dir } = project;
  const { certificates, only, cacheDir, runnerDir, schemaDir } = options;
  const names = Object.keys(config.functions);
  verifyNames(names, only);
  // Terraform uploads what it finds here directly; the others go by a bucket of their own.
  const goesToBucket = config.engine !== 'none' && config.engine !== 'terraform';
  const layer =
    config.packaging === 'layer'
      ? await wheelFiles(context, { projectDir: dir, config, cacheDir })
      : undefined;
  const functions = await packageFunctions(context, project, {
    names: only ?? names,
    // A proxy's certificate is publicly signed.
    extras: config.cloud.proxy === false ? certificates : new Map(),
    ...{ cacheDir, goesToBucket },
    ...(layer !== undefined && { layer }),
  });
  const built = new Map([...functions].map(([name, made]) => [`${name}.zip`, made] as const));
  if (only !== undefined) return built;
  // Lambda puts a layer's `python/` on the path. docs.aws.amazon.com/lambda/latest/dg/python-layers.html
  if (layer !== undefined) {
    const files = new Map([...layer].map(([path, content]) => [`python/${path}`, content] as const));
    built.set('layer.zip', await packageFiles('layer', files, { goesToBucket }));
  }
  if (!isManaged({ database: config.cloud.database.kind })) return built;
  const runner = await readTree(runnerDir, isSource);
  built.set('runner.zip', await packageFiles('runner', runner, { goesToBucket }));
  if (config.engine !== 'cdk') return built;
  const schema = new Map([
    ...(await readTree(schemaDir, isSource)),
    ...(await schemaFiles(dir)),
    ...certificates,
  ]);
  return built.set('schema.zip', await packageFiles('schema', schema, { goesToBucket }));
}

function verifyNames(names: readonly string[], only: readonly string[] | undefined): void {
  const missing = only?.find((name) => !names.includes(name));
  if (missing !== undefined) {
    throw new UserError('FUNCTION_NOT_FOUND', `there is no function "${missing}" in ${configFileName}`, {
      suggestions: [`choose one of: ${names.join(', ')}`],
    });
  }
  const taken = names.find((name) => ownNames.includes(name));
  if (taken === undefined) return;
  throw new UserError(
    'RESERVED_NAME',
    `a function cannot be called "${taken}": lambdapg makes one of that name`,
    {
      exit: exitCodes.usage,
      suggestions: [`another name in ${configFileName}`],
    },
  );
}

/** What the function that brings the schema up to date reads, in the places where it stands in the project. */
async function schemaFiles(dir: string): Promise<PackageFiles> {
  const files = new Map<string, Buffer>([[configFileName, await readFile(join(dir, configFileName))]]);
  for (const folder of ['migrations', 'seeds']) {
    if (!existsSync(join(dir, folder))) continue;
    for (const [path, content] of await readTree(join(dir, folder), () => true))
      files.set(`${folder}/${path}`, content);
  }
  return files;
}

/** Only zips of the last run: the folder may be anybody's. */
async function readManifest(out: string): Promise<string[]> {
  const text = await readFile(join(out, manifestFile), 'utf8').catch(() => '{}');
  const { zips = [] } = JSON.parse(text) as { zips?: readonly ProjectZip[] };
  return zips.map(({ file }) => file).filter((file) => /^[\w-]+\.zip$/.test(file));
}

/** Complete or not at all: an engine may be reading. */
async function writeIfNew(path: string, content: Buffer): Promise<void> {
  const old = await readFile(path).catch(() => undefined);
  if (old?.equals(content) === true) return;
  const staging = `${path}.${randomUUID().slice(0, 8)}.new`;
  await writeFile(staging, content);
  await rename(staging, path);
}
