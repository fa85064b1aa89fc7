import { beforeEach, describe, expect, test } from 'vitest';
import { readAddonUrl } from '../../../src/providers/heroku/read-addon-url.ts';
import { Secret } from '../../../src/secret.ts';
import { testContext } from '../../postgres-server.ts';
import { type HerokuApi, startHerokuApi } from '../../runtime/heroku-api.ts';

const addon = 'postgresql-round-12345';
const url = 'postgres://u1:pw@ec2.example.com:5432/d1';

let api: HerokuApi;
beforeEach(async () => {
  api = await startHerokuApi();
  api.keys.add('HRKU-1');
  return () => api.close();
});

const read = (key = 'HRKU-1', name = addon, base = api.url) =>
  readAddonUrl(testContext({ env: { LAMBDAPG_HEROKU_API_URL: base } }), name, new Secret(key));

describe('the URL of a Heroku add-on', () => {
  test('is found among other variables, in any order, and is not the pooler’s', async () => {
    const pooler = { name: 'DATABASE_CONNECTION_POOL_URL', value: 'postgres://pool:pw@pool.example.com/d1' };
    const amber = { name: 'HEROKU_POSTGRESQL_AMBER_URL', value: 'postgres://other:pw@x.example.com/d1' };
    api.configs[addon] = [
      pooler,
      { name: 'NOTE', value: 'none' },
      amber,
      { name: 'DATABASE_URL', value: url },
    ];
    expect((await read()).reveal()).toBe(url);
    api.configs[addon] = [pooler, { name: 'HEROKU_POSTGRESQL_AMBER_URL', value: url }];
    expect((await read('HRKU-1\n')).reveal()).toBe(url);
    api.configs[addon] = [pooler];
    await expect(read()).rejects.toMatchObject({ code: 'HEROKU_REFUSED' });
  });

  test.each([
    ['HRKU-2', addon, 401, /heroku authorizations:create/],
    ['HRKU-1', 'postgresql-none-1', 404, /herokuAddon/],
  ])('is refused to %s for %s, without quoting the key', async (key, name, status, hint) => {
    const refused = read(key, name);
    await expect(refused).rejects.toMatchObject({
      ...{ code: 'HEROKU_REFUSED', message: `Heroku answers ${status} for the add-on ${name}` },
      suggestions: [expect.stringMatching(hint)],
    });
    await expect(refused).rejects.not.toThrow(key);
  });

  test('that nobody answers for is a matter of time', async () => {
    const { url: closed } = api;
    await api.close();
    await expect(read('HRKU-1', addon, closed)).rejects.toMatchObject({
      code: 'HEROKU_UNREACHABLE',
      exit: 75,
    });
    api = await startHerokuApi();
  });
});
