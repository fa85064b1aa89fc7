import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startHerokuPostgres } from '../bed/heroku-config.ts';
import { startTestPostgres } from '../postgres-server.ts';
import { startEngineProject } from './engine-project.ts';
import { succeed } from './stack-suite.ts';

const key = 'a-key-0f-heroku';

test('osls deploys functions that log in to Heroku, also after Heroku has changed the login', {
  timeout: 900_000,
}, async () => {
  const server = await startTestPostgres();
  onTestFinished(() => server.cleanUp());
  const heroku = await startHerokuPostgres(server.local.admin, 'library_owner', {
    addon: 'postgresql-x-1',
    key,
  });
  onTestFinished(() => heroku.stop());
  const flags = ['--template', 'serverless-heroku', '--heroku-addon', heroku.addon];
  const project = await startEngineProject(flags, { checksNetwork: false });
  await letFunctionsAsk(project.dir, heroku.api.url);
  const env = { HEROKU_API_KEY: key, LAMBDAPG_HEROKU_API_URL: heroku.api.url };

  const refused = await project.run('deploy', '--yes', '--json');
  expect(refused.json()).toMatchObject({ error: { code: 'SECRET_EMPTY' } });

  const deployed = await succeed(project.run('deploy', '--yes', '--json', { env }));
  expect(deployed.json()).toMatchObject({ filled: ['shop-dev/heroku-key'], health: { status: 200 } });
  expect(deployed.stdout + deployed.stderr).not.toContain(key);

  const { url } = deployed.json() as { url: string };
  const status = async (): Promise<number> => (await fetch(`${url}/health`)).status;
  for (const former of ['later', 'now', 'now'] as const) {
    await heroku.rotate(former);
    expect([await status(), await status(), await status()]).toEqual([200, 200, 200]);
  }
  await succeed(project.run('destroy', '--confirm', 'shop', '--json', { env }));
});

/** Where the stand-in for Heroku's API is; a person has no such variable. */
async function letFunctionsAsk(dir: string, url: string): Promise<void> {
  const file = join(dir, 'lambdapg.json');
  const config = JSON.parse(await readFile(file, 'utf8'));
  for (const settings of Object.values(config.functions as Record<string, Record<string, unknown>>))
    settings.environment = { LAMBDAPG_HEROKU_API_URL: url };
  await writeFile(file, JSON.stringify(config, null, 2));
}
