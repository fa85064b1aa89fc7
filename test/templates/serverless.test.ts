import { rm } from 'node:fs/promises';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { makeTempDir } from '../postgres-server.ts';
import { verifyStack } from './cloudformation-facts.ts';
import { packageServerless, writeEngineProject } from './cloudformation-projects.ts';
import { installedFor } from './engine-packages.ts';
import { answersFor } from './generate.ts';
import { resolveTemplate } from './resolve-template.ts';

const folders: string[] = [];
beforeAll(() => installedFor('serverless'), 240_000);
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const variants = [
  {},
  { database: 'rds', proxy: true },
  { database: 'aurora', auth: 'iam', network: 'nat', language: 'python', reader: true },
];

test.each(variants)('osls compiles the stack that the answers ask for: %j', async (flags) => {
  const directory = await makeTempDir();
  folders.push(directory);
  const answers = answersFor('serverless-heroku', flags);
  await writeEngineProject(answers, directory);
  const template = resolveTemplate(await packageServerless(directory), 'my-library-dev');
  verifyStack(template, answers.choices);
  expect(template.Resources.ServerlessDeploymentBucket?.Properties).toHaveProperty(
    'PublicAccessBlockConfiguration',
  );
});
