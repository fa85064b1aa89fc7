import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import type { ProjectConfig } from '../config-schema.ts';
import { installWheels } from './python-wheels.ts';
import { isSource, readTree } from './read-tree.ts';
import type { PackageFiles } from './zip-files.ts';

interface PythonSource {
  /** Absolute. */
  readonly projectDir: string;
  readonly config: ProjectConfig;
  /** `app/api.handler` */
  readonly handler: string;
  readonly cacheDir: string;
}

/** The connection runtime, beside the project's own package. */
const vendored = 'lambdapg_runtime';

/** A Python function's files: the wheels of `requirements.txt`, the handler's package, the connection runtime. */
export async function pythonFiles(context: Context, source: PythonSource): Promise<PackageFiles> {
  const { projectDir, config, handler } = source;
  const own = await ownFiles(projectDir, handler);
  const wheels = await installWheels(context, source.cacheDir, {
    projectDir,
    runtime: config.runtime,
    architecture: config.architecture,
  });
  return new Map([...wheels, ...own]);
}

async function ownFiles(projectDir: string, handler: string): Promise<PackageFiles> {
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
