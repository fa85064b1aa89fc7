import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { makeTempDir } from '../postgres-server.ts';
import { verifyStack } from './cloudformation-facts.ts';
import { lint, translateSam, writeEngineProject } from './cloudformation-projects.ts';
import { installedFor } from './engine-packages.ts';
import { answersFor } from './generate.ts';
import { resolveTemplate } from './resolve-template.ts';

const folders: string[] = [];
beforeAll(() => installedFor('sam'), 240_000);
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const variants = [
  {},
  { proxy: false, network: 'nat', language: 'python', packaging: 'layer' },
  { database: 'aurora', auth: 'iam', reader: true },
  { proxy: false, database: 'heroku' },
];

test.each(variants)('SAM compiles the stack that the answers ask for: %j', async (flags) => {
  const directory = await makeTempDir();
  folders.push(directory);
  const answers = answersFor('sam-proxy', flags);
  await writeEngineProject(answers, directory);
  expect(await lint(join(directory, 'template.yaml'))).toEqual([]);
  const given = { HerokuAddon: 'postgresql-round-12345' };
  verifyStack(resolveTemplate(await translateSam(directory), 'my-library-dev', given), answers.choices);
});
