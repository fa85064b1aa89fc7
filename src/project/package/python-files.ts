import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import type { ProjectConfig } from '../config-schema.ts';
import { installWheels } from './python-wheels.ts';
import { isSource, readTree } from './read-tree.ts';
import { verifyBinaries } from './verify-binaries.ts';
import type { PackageFiles } from './zip-files.ts';

interface PythonSource {
  /** Absolute. */
  readonly projectDir: string;
  readonly config: ProjectConfig;
  readonly cacheDir: string;
}

/** The connection runtime, beside the project's own package. */
const vendored = 'lambdapg_runtime';

/** A Python function's files: the wheels of `requirements.txt`, the handler's package, the connection runtime. */
export async function pythonFiles(
  context: Context,
  source: PythonSource,
  handler: string,
): Promise<PackageFiles> {
  const own = await ownPythonFiles(source, handler);
  return new Map([...(await wheelFiles(context, source)), ...own]);
}

/** The wheels of `requirements.txt` alone: what a layer holds. @throws UserError WRONG_BINARY; as `installWheels` */
export async function wheelFiles(
  context: Context,
  { projectDir, config, cacheDir }: PythonSource,
): Promise<PackageFiles> {
  const { runtime, architecture } = config;
  const wheels = await installWheels(context, cacheDir, { projectDir, runtime, architecture });
  verifyBinaries(wheels, config);
  return wheels;
}

/**
 * The handler's package and the connection runtime.
 *
 * @param handler `app/api.handler`
 * @throws UserError HANDLER_FILE_MISSING, WRONG_BINARY
 */
export async function ownPythonFiles(
  { projectDir, config }: Pick<PythonSource, 'projectDir' | 'config'>,
  handler: string,
): Promise<PackageFiles> {
  const own = await readOwnFiles(projectDir, handler);
  verifyBinaries(own, config);
  return own;
}

async function readOwnFiles(projectDir: string, handler: string): Promise<PackageFiles> {
  const [top = ''] = handler.split('/');
  const isModule = top === handler;
  const own = isModule ? `${handler.slice(0, handler.lastIndexOf('.'))}.py` : top;
  const files = new Map<string, Buffer>();
  for (const name of [own, vendored]) {
    const found = await stat(join(projectDir, name)).catch(() => undefined);
    if (found === undefined && name === vendored) continue;
    if (found === undefined) {
      throw new UserError('HANDLER_FILE_MISSING', `${name} of handler ${handler} is not in ${projectDir}`, {
        suggestions: ['put "handler" in lambdapg.json right'],
      });
    }
    const read = found.isDirectory()
      ? await readTree(join(projectDir, name), isSource)
      : await readTree(projectDir, (path) => path === name);
    for (const [path, content] of read) files.set(found.isDirectory() ? `${name}/${path}` : path, content);
  }
  return files;
}
