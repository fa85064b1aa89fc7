import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Context } from '../../context.ts';
import { errorCode } from '../../errors.ts';
import { isSource, readTree } from './read-tree.ts';
import { runInstaller, type WheelTarget } from './wheel-installer.ts';
import type { PackageFiles } from './zip-files.ts';

const requirementsFile = 'requirements.txt';
/** Raised when the same requirements are to be installed in another way. */
const layout = 1;

/**
 * The packages of `requirements.txt` as wheels for Lambda's system, whatever this one is: nothing is compiled, no docker. They
 * are kept in `cacheDir` until the requirements change.
 *
 * @throws UserError PIP_MISSING, WHEEL_MISSING, INSTALL_FAILED
 */
export async function installWheels(
  context: Context,
  cacheDir: string,
  target: WheelTarget,
): Promise<PackageFiles> {
  const file = join(target.projectDir, requirementsFile);
  if (!existsSync(file)) return new Map();
  const text = await readWithIncludes(file);
  const { runtime, architecture } = target;
  const key = createHash('sha256').update([layout, runtime, architecture, text].join('\0')).digest('hex');
  const dir = join(cacheDir, 'wheels', `${runtime}-${architecture}-${key.slice(0, 16)}`);
  if (!existsSync(dir)) await fill(context, dir, target, file);
  return readTree(dir, isDeployed);
}

async function fill(context: Context, dir: string, target: WheelTarget, file: string): Promise<void> {
  const { runtime, architecture } = target;
  const message = `installing ${requirementsFile} for ${runtime} on ${architecture}`;
  context.report({ type: 'wheels-started', message, runtime, architecture });
  const staging = `${dir}.${randomUUID()}`;
  try {
    await mkdir(staging, { recursive: true });
    await runInstaller(context, target, file, staging);
    await rename(staging, dir).catch((error: unknown) => {
      // Another run was faster.
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errorCode(error) ?? '') || !existsSync(dir)) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * Left out: scripts, which name the Python of this computer, and records of who installed what and how, so that pip and uv
 * make the same zip of the same packages. METADATA stays, which `importlib.metadata` reads.
 */
const isDeployed = (path: string): boolean =>
  isSource(path) &&
  !/^(bin|Scripts)\//i.test(path) &&
  !/\.dist-info\/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json)$/.test(path) &&
  path !== '.lock';

/** The requirements with what `-r` and `-c` lines add. */
async function readWithIncludes(file: string, seen: ReadonlySet<string> = new Set()): Promise<string> {
  if (seen.has(file)) return '';
  const text = await readFile(file, 'utf8');
  const included = [...text.matchAll(/^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)/gm)];
  const more = await Promise.all(
    included.map(([, name = '']) =>
      readWithIncludes(resolve(dirname(file), name), new Set([...seen, file])).catch(() => ''),
    ),
  );
  return [text, ...more].join('\0');
}
