import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { bundleFunction } from '../bundle.ts';
import type { Project } from '../find-project.ts';
import { ownPythonFiles, pythonFiles } from './python-files.ts';
import { bytesOf, verifySize } from './verify-size.ts';
import { type PackageFiles, zipFiles } from './zip-files.ts';

/** What is uploaded for one function. */
export interface FunctionPackage {
  readonly zip: Buffer;
  /** As Lambda's `CodeSha256`: base64 of the zip's SHA-256. */
  readonly sha256: string;
  readonly unzippedBytes: number;
}

export interface PackageOptions {
  /** Of the functions to package. */
  readonly names: readonly string[];
  /** Put beside the code of each: `rds-ca.pem`. */
  readonly extras: PackageFiles;
  /** Absolute: where wheels are kept from run to run. */
  readonly cacheDir: string;
  /** Packages of a layer, of whose size Lambda's limit is made up as well: they are left out of the zips. Python only. */
  readonly layer?: PackageFiles;
  /** Lambda takes the zips from S3. */
  readonly goesToBucket?: boolean;
}

/**
 * Builds and zips functions, on any system, for the system that Lambda runs them on. The same sources make the same
 * bytes, so that a deployment of what is deployed already changes nothing.
 *
 * @throws UserError BUILD_FAILED, PACKAGE_TOO_LARGE, PIP_MISSING, WHEEL_MISSING and their like
 */
export async function packageFunctions(
  context: Context,
  project: Project,
  options: PackageOptions,
): Promise<Map<string, FunctionPackage>> {
  const packages = new Map<string, FunctionPackage>();
  const known = new Map<string, FunctionPackage>();
  for (const name of options.names) {
    context.signal.throwIfAborted();
    const files = await filesOf(context, project, name, options);
    const all = new Map([...files, ...options.extras]);
    const contents = fingerprint(all);
    // The functions of a Python project are all made of the same files.
    const found = known.get(contents) ?? (await packageFiles(name, all, options));
    known.set(contents, found);
    packages.set(name, found);
  }
  return packages;
}

async function filesOf(
  context: Context,
  { config, dir }: Project,
  name: string,
  { cacheDir, layer }: PackageOptions,
): Promise<PackageFiles> {
  const { language, runtime, functions } = config;
  const handler = functions[name]?.handler ?? '';
  if (language === 'python') {
    const source = { projectDir: dir, config, cacheDir };
    return layer === undefined ? pythonFiles(context, source, handler) : ownPythonFiles(source, handler);
  }
  const { codeDir } = await bundleFunction({ projectDir: dir, functionName: name, handler, runtime });
  // Without its source map: Node reads one only when told to, and it would be the larger file.
  return new Map([['index.mjs', await readFile(join(codeDir, 'index.mjs'))]]);
}

/** @throws UserError PACKAGE_TOO_LARGE, with what of a layer is unpacked beside `files` */
export async function packageFiles(
  name: string,
  files: PackageFiles,
  { layer = new Map(), goesToBucket }: Pick<PackageOptions, 'layer' | 'goesToBucket'>,
): Promise<FunctionPackage> {
  const zip = await zipFiles(files);
  verifySize(name, new Map([...layer, ...files]), zip.length, goesToBucket);
  return {
    zip,
    sha256: createHash('sha256').update(zip).digest('base64'),
    unzippedBytes: bytesOf(files),
  };
}

function fingerprint(files: PackageFiles): string {
  const hash = createHash('sha256');
  for (const [path, content] of files) hash.update(`${path}\0${content.length}\0`).update(content);
  return hash.digest('hex');
}
