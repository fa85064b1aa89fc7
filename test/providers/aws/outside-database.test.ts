import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queryJob } from '../../../src/jobs/query-job.ts';
import { configSchema } from '../../../src/project/config-schema.ts';
import { parseProjectName } from '../../../src/project/names.ts';
import { openStage } from '../../../src/providers/aws/routes/open-stage.ts';
import { Secret } from '../../../src/secret.ts';
import { type Bed, startBed } from '../../bed/bed.ts';
import { startTestPostgres, testContext } from '../../postgres-server.ts';
import { type HerokuApi, startHerokuApi } from '../../runtime/heroku-api.ts';

const addon = 'postgresql-round-12345';
let bed: Bed;
let api: HerokuApi;
let server: Awaited<ReturnType<typeof startTestPostgres>>;

beforeAll(async () => {
  [bed, api, server] = await Promise.all([startBed(), startHerokuApi(), startTestPostgres()]);
  Object.assign(process.env, bed.environment);
});
afterAll(async () => {
  await Promise.all([bed.stop(), api.close(), server.cleanUp()]);
});

/** The server's URL, with the password of its admin. */
function url(): string {
  const { host, port, database, user, password } = server.local.admin;
  if (!(password instanceof Secret)) throw new Error('it has a password');
  return `postgres://${user}:${encodeURIComponent(password.reveal())}@${host}:${port}/${database}`;
}

async function askStage(kind: string, stage: string): Promise<unknown> {
  const config = configSchema.parse({
    ...{ name: 'shop', template: 'api', engine: 'serverless', language: 'node', runtime: 'nodejs24.x' },
    cloud: { database: { kind, ...(kind === 'heroku' && { herokuAddon: addon }) } },
    functions: { api: { handler: 'src/api.handler' } },
  });
  const project = { dir: '/nowhere', config, names: parseProjectName('shop') };
  const context = testContext({ env: { LAMBDAPG_HEROKU_API_URL: api.url } });
  const { app, ownerRole, run } = await openStage(context, project, { stage });
  expect(ownerRole).toBeUndefined();
  const input = { path: 'x', text: 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()' };
  const { results } = await run(queryJob, app, {
    ...input,
    oneTransaction: true,
    maxRows: 1,
    maxSize: 1_000,
  });
  return results[0]?.rows;
}

const putSecret = (Name: string, SecretString: string) =>
  bed.aws({ service: 'secretsmanager', action: 'CreateSecret', input: { Name, SecretString } });

test('a stage on Heroku is asked with the credentials of now, encrypted, by a key that is a secret', async () => {
  await expect(askStage('heroku', 'dev')).rejects.toMatchObject({ code: 'SECRET_EMPTY' });
  api.keys.add('HRKU-1');
  api.configs[addon] = [{ name: 'DATABASE_URL', value: url() }];
  await putSecret('shop-dev/heroku-key', 'HRKU-1\n');
  expect(await askStage('heroku', 'dev')).toEqual([['t']]);
  await putSecret('shop-json/heroku-key', JSON.stringify({ apiKey: 'HRKU-1' }));
  expect(await askStage('heroku', 'json')).toEqual([['t']]);
});

test('a stage with a URL takes no server for the right one whose certificate nobody vouches for', async () => {
  await putSecret('shop-url/active', url());
  await expect(askStage('url', 'url')).rejects.toMatchObject({ code: 'DATABASE_TLS_UNTRUSTED' });
});

test.each([['canary{'], ['{"username": "u", "password": "canary"}']])(
  'a secret that is no login is named, and nothing of it is quoted: %s',
  async (text) => {
    const stage = `bad${text.length}`;
    await putSecret(`shop-${stage}/active`, text);
    const refused = await askStage('url', stage).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'SECRET_UNREADABLE' });
    expect(inspect(refused, { depth: 10 })).not.toContain('canary');
  },
);

test('nor is a key of Heroku that is no JSON after all', async () => {
  await putSecret('shop-badkey/heroku-key', '{canary');
  const refused = await askStage('heroku', 'badkey').catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'SECRET_EMPTY' });
  expect(inspect(refused, { depth: 10 })).not.toContain('canary');
});
