import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalLambda, startLocalLambda } from '../../src/local/lambda/local-lambda.ts';
import { bundleFunction } from '../../src/project/bundle.ts';
import { findNode } from '../../src/project/interpreters.ts';
import { migrate } from '../../src/seed/migrate.ts';
import { seed } from '../../src/seed/seed.ts';
import { type HerokuPostgres, startHerokuPostgres } from '../bed/heroku-config.ts';
import { makeTempDir, startTestPostgres, testContext } from '../postgres-server.ts';
import {
  type SecretsEndpoint,
  startSecretsEndpoint,
  testAwsEnvironment,
} from '../runtime/secrets-endpoint.ts';
import { answersFor, renderProject, writeFiles } from './generate.ts';

/*
 * The preset as it is deployed: variables name the add-on and the secret with the API key, and nothing else. Heroku is a stand-in over
 * a real PostgreSQL whose certificate nobody knows, as Heroku's own.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const context = testContext();
const keyArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-dev/heroku-key-AbCdEf';
const runtime = 'nodejs24.x';
const folders: string[] = [];
let server: Awaited<ReturnType<typeof startTestPostgres>>;
let heroku: HerokuPostgres;
let secrets: SecretsEndpoint;
let lambda: LocalLambda;

beforeAll(async () => {
  server = await startTestPostgres();
  const { admin } = server.local;
  const projectDir = await makeTempDir();
  folders.push(projectDir);
  await writeFiles(await renderProject(answersFor('serverless-heroku', {}, 'library')), projectDir);
  await symlink(join(root, 'node_modules'), join(projectDir, 'node_modules'), 'junction');
  const target = { admin, ownerRole: 'library_owner' };
  await migrate(context, { target, projectDir, directory: 'migrations', dryRun: false });
  await seed(context, { target, projectDir, directory: 'seeds', truncate: false, dryRun: false });
  heroku = await startHerokuPostgres(admin, 'library_owner', { addon: 'postgresql-round-1', key: 'the-key' });
  secrets = await startSecretsEndpoint();
  secrets.secrets[keyArn] = 'the-key';
  const { executable } = await findNode(context, runtime);
  const bundle = await bundleFunction({
    projectDir,
    functionName: 'api',
    handler: 'src/api.handler',
    runtime,
  });
  const common = {
    language: 'node',
    runtime,
    executable,
    timeoutMs: 10_000,
    memoryMb: 256,
    ...bundle,
  } as const;
  lambda = await startLocalLambda(context, {
    functions: [
      { ...common, name: 'api', environment: deployed('no-verify'), routes: ['$default'] },
      { ...common, name: 'verifying', environment: deployed('verify-full'), routes: ['GET /health'] },
    ],
    preferredPort: 0,
  });
});
afterAll(async () => {
  await lambda?.stop();
  await heroku?.stop();
  await secrets?.close();
  await server?.cleanUp();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** What serverless.yml gives a function, and where the stand-ins are. */
const deployed = (sslMode: string): Record<string, string> => ({
  ...testAwsEnvironment,
  LAMBDAPG_HEROKU_ADDON: heroku.addon,
  LAMBDAPG_HEROKU_KEY_ARN: keyArn,
  PGSSLMODE: sslMode,
  LAMBDAPG_HEROKU_API_URL: heroku.api.url,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
});

const ask = async (path: string): Promise<number> => (await fetch(`${lambda.url}${path}`)).status;

const asks = (path: string, count: number): Promise<number[]> =>
  Array.from({ length: count }).reduce<Promise<number[]>>(
    async (done) => [...(await done), await ask(path)],
    Promise.resolve([]),
  );

test('rows come with the credentials that Heroku has now, asked for once', async () => {
  expect(await asks('/books', 5)).toEqual(Array(5).fill(200));
  expect(heroku.api.answered).toEqual(['200 /addons/postgresql-round-1/config']);
});

test('a rotation that leaves the former login alive fails no request', async () => {
  await ask('/books');
  await heroku.rotate('later');
  expect(await asks('/books', 5)).toEqual(Array(5).fill(200));
});

test('a rotation that takes the former login away at once fails none either', async () => {
  for (let round = 0; round < 3; round += 1) {
    await ask('/books');
    await heroku.rotate('now');
    expect(await asks('/books', 5)).toEqual(Array(5).fill(200));
  }
});

test('requests that go on all the while notice no rotation', async () => {
  await ask('/books');
  const going = Promise.all([1, 2, 3, 4].map(() => asks('/books', 25)));
  await heroku.rotate('later');
  await heroku.rotate('later');
  expect([...new Set((await going).flat())]).toEqual([200]);
});

test('without no-verify the certificate, which nobody signed, is refused', async () => {
  expect(await ask('/health')).toBe(500);
});
