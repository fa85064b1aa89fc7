import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from '../../../src/exec.ts';
import type { Bed } from '../bed.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const python = join(root, '.venv/bin/python');

/** What was uploaded, unpacked once for each content. */
export class FunctionCode {
  readonly #bed: Bed;
  readonly #dir: string;
  readonly #folders = new Map<string, Promise<string>>();

  /** @param dir holds the folders */
  constructor(bed: Bed, dir: string) {
    this.#bed = bed;
    this.#dir = dir;
  }

  /** The folder that Lambda calls `/var/task`. */
  ofFunction(name: string, version: string, sha256: string): Promise<string> {
    return this.#once(sha256, async () => [(await this.#bed.functionCode(name, version)).zip]);
  }

  /** The folder that Lambda calls `/opt`: the layers in their order, a later one over the earlier ones. */
  async ofLayers(arns: readonly string[]): Promise<string | undefined> {
    if (arns.length === 0) return undefined;
    return this.#once(arns.join(), () =>
      Promise.all(
        arns.map(async (arn) => {
          const { region } = this.#bed;
          return (await this.#bed.control<{ zip: string }>('layer', { region, arn })).zip;
        }),
      ),
    );
  }

  /** A folder for NODE_PATH that holds what Lambda's Node runtimes bring along: the AWS SDK and nothing else. */
  runtimeModules(): Promise<string> {
    return this.#make('runtime-modules', async (folder) => {
      for (const scope of ['@aws-sdk', '@smithy', '@aws-crypto']) {
        const installed = join(root, 'node_modules', scope);
        if (existsSync(installed)) await symlink(installed, join(folder, scope), 'junction');
      }
    });
  }

  #once(content: string, zips: () => Promise<readonly string[]>): Promise<string> {
    const name = createHash('sha256').update(content).digest('hex').slice(0, 16);
    return this.#make(name, async (folder) => {
      for (const [at, zip] of (await zips()).entries()) {
        const file = `${folder}.${at}.zip`;
        await writeFile(file, Buffer.from(zip, 'base64'));
        await execa(python, ['-m', 'zipfile', '-e', file, folder]);
      }
    });
  }

  #make(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
    let made = this.#folders.get(name);
    if (made === undefined) {
      const folder = join(this.#dir, name);
      made = mkdir(folder, { recursive: true })
        .then(() => fill(folder))
        .then(() => folder);
      this.#folders.set(name, made);
    }
    return made;
  }
}
