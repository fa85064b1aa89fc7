import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Engine } from '../../src/engines/engine.ts';
import { openTool, type ToolOptions } from '../../src/engines/open-tool.ts';
import type { EngineStage, Tool } from '../../src/engines/tool.ts';
import { configSchema } from '../../src/project/config-schema.ts';
import type { Project } from '../../src/project/find-project.ts';
import { parseProjectName } from '../../src/project/names.ts';
import { makeTempDir, type TestContext, testContext } from '../postgres-server.ts';

/** A project's folder with a `bin` beside it that alone is the path. */
export interface ToolPlace {
  readonly project: Project;
  readonly bin: string;
  readonly stage: EngineStage;
  readonly context: TestContext;
}

export async function makePlace(env: Readonly<Record<string, string>> = {}): Promise<ToolPlace> {
  const root = await makeTempDir();
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const [dir, bin] = [join(root, 'shop'), join(root, 'bin')];
  await mkdir(join(dir, 'infra'), { recursive: true });
  await mkdir(bin);
  const config = configSchema.parse({
    ...{ name: 'shop', template: 'api', engine: 'cdk', language: 'node', runtime: 'nodejs24.x' },
    functions: { api: { handler: 'src/api.handler' } },
  });
  return {
    project: { dir, config, names: parseProjectName('shop') },
    bin,
    stage: {
      ...{ project: 'shop', stage: 'dev', stack: 'shop-dev', projectDir: dir },
      ...{ account: '123456789012', region: 'eu-central-1', cloud: config.cloud },
    },
    // `sh` and its like are found without the path of this computer, where the real tools may be.
    context: testContext({ env: { PATH: `${bin}:/bin`, ...env } }),
  };
}

/** A program that writes its arguments into `calls` and prints what `answer` says, in the words of `sh`. */
export async function putTool(folder: string, file: string, answer: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const script = `#!/bin/sh\nprintf '%s\\n' "$*" >> '${join(folder, 'calls')}'\n${answer}\n`;
  await writeFile(join(folder, file), script);
  await chmod(join(folder, file), 0o755);
}

export const callsIn = async (folder: string): Promise<string[]> =>
  (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n');

export const open = (
  { context, project, stage }: ToolPlace,
  { tool }: Engine,
  options: Partial<ToolOptions> = {},
): Promise<Tool> =>
  openTool(context, project, tool, stage, { printToStderr: true, hasTerminal: false, ...options });
