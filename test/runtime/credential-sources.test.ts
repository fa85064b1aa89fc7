import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Driver, driverLanguages } from './driver.ts';
import { type HerokuApi, startHerokuApi } from './heroku-api.ts';
import {
  failureOf,
  metricsOf,
  ofSecret,
  type RuntimeBed,
  secretOf,
  startRuntimeBed,
  userOf,
} from './runtime-bed.ts';

/* Where user, password and server may come from beyond a secret beside PGHOST (cloud-credentials.test.ts). */

let bed: RuntimeBed;
let heroku: HerokuApi;
beforeAll(async () => {
  [bed, heroku] = await Promise.all([startRuntimeBed(), startHerokuApi()]);
});
afterAll(async () => {
  await heroku.close();
  await bed.cleanUp();
});
beforeEach(async () => {
  await bed.changePassword('library_a', 'canary/first+%');
  await bed.changePassword('library_b', 'canary-b');
});
afterEach(async () => {
  await bed.reset();
  heroku.answered.length = 0;
});

const noServer = { PGHOST: '', PGPORT: '', PGDATABASE: '' };
const urlOf = (user: string, password: string): string => {
  const { PGHOST, PGPORT, PGDATABASE } = bed.server;
  return `postgres://${user}:${encodeURIComponent(password)}@${PGHOST}:${PGPORT}/${PGDATABASE}?sslmode=disable`;
};
const parameter = { LAMBDAPG_SECRET_PARAMETER: '/library/active' };
const keyArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:heroku-key-AbCdEf';

describe.each(driverLanguages)('credentials in %s', (language) => {
  const start = (changed: Record<string, string>): Driver =>
    bed.start(language, { TEST_RETRY_WITHIN_MS: '0', ...changed });

  test('a secret may name the server as well, where the environment does not', async () => {
    const { PGHOST: host, PGPORT: port, PGDATABASE: dbname } = bed.server;
    for (const more of [
      { host, port, dbname },
      { host, port: Number(port), dbname },
    ]) {
      bed.endpoint.secret = secretOf('library_a', 'canary/first+%', more);
      expect(await userOf(start({ ...ofSecret, ...noServer }))).toBe('library_a');
    }
    bed.endpoint.secret = urlOf('library_a', 'canary/first+%');
    expect(await userOf(start({ ...ofSecret, ...noServer }))).toBe('library_a');
  });

  test("what the environment names comes first: the server of the secret is somebody else's", async () => {
    const elsewhere = { host: 'elsewhere.invalid', port: 1, dbname: 'other' };
    bed.endpoint.secret = secretOf('library_a', 'canary/first+%', elsewhere);
    expect(await userOf(start(ofSecret))).toBe('library_a');
  });

  test('a server that nobody names is an error', async () => {
    bed.endpoint.secret = secretOf('library_a', 'canary');
    const failure = await failureOf(start({ ...ofSecret, ...noServer }));
    expect(failure).toContain('cannot connect to the database as library_a: PGHOST is not set');
    bed.endpoint.secret = secretOf('library_a', 'canary', { host: 'localhost' });
    expect(await failureOf(start({ ...ofSecret, ...noServer }))).toContain('PGDATABASE is not set');
  });

  test('a parameter of Systems Manager: read once, decrypted, and again when it was refused', async () => {
    bed.endpoint.secret = secretOf('library_a', 'canary/first+%');
    const driver = start(parameter);
    expect(await userOf(driver)).toBe('library_a');
    await bed.changePassword('library_a', 'canary-second');
    bed.endpoint.secret = urlOf('library_a', 'canary-second');
    await bed.killBackends();
    expect(await userOf(driver)).toBe('library_a');
    const asked = { Name: '/library/active', WithDecryption: true };
    expect(bed.endpoint).toMatchObject({ asked: [asked, asked], refused: [] });
    expect(metricsOf(driver)).toMatchObject([{ auth_failures: 1, refreshes: 1, fallbacks: 0 }]);
  });

  test('a parameter in another region, by its ARN', async () => {
    bed.endpoint.secret = secretOf('library_a', 'canary/first+%');
    const arn = 'arn:aws:ssm:eu-central-1:123456789012:parameter/library/active';
    // The endpoint takes a signature for eu-central-1 alone.
    const driver = start({ LAMBDAPG_SECRET_PARAMETER: arn, AWS_REGION: 'us-east-1' });
    expect(await userOf(driver)).toBe('library_a');
    expect(bed.endpoint.asked).toEqual([{ Name: arn, WithDecryption: true }]);
  });

  test('a parameter that cannot be read, or holds something else, is named and not shown', async () => {
    const driver = start(parameter);
    for (const [type, advice] of [
      ['AccessDeniedException', "the function's role needs ssm:GetParameter on it"],
      ['ParameterNotFound', 'there is no such parameter in this region'],
    ]) {
      bed.endpoint.instead.push({ status: 400, body: JSON.stringify({ __type: type }) });
      const message = `cannot read the parameter /library/active: HTTP 400 ${type}: ${advice}`;
      expect(await failureOf(driver)).toContain(message);
    }
    for (const text of [
      'canary',
      'postgres://canary',
      'postgres://u:canary@h:port/d',
      '{"username":"canary"}',
    ]) {
      bed.endpoint.secret = text;
      const failure = await failureOf(driver);
      expect(failure).toContain('the parameter /library/active is no JSON with username and password');
      expect(failure).not.toContain('canary');
    }
  });

  test('DATABASE_URL, unless there is PGPASSWORD', async () => {
    const driver = start({ ...noServer, DATABASE_URL: urlOf('library_a', 'canary/first+%') });
    expect(await userOf(driver)).toBe('library_a');
    const both = {
      PGUSER: 'library_b',
      PGPASSWORD: 'canary-b',
      DATABASE_URL: 'postgres://u:p@elsewhere.invalid/d',
    };
    expect(await userOf(start(both))).toBe('library_b');
  });

  describe('of Heroku', () => {
    const ofHeroku = (): Record<string, string> => ({
      ...noServer,
      ...{ LAMBDAPG_HEROKU_ADDON: 'postgresql-round-1', LAMBDAPG_HEROKU_KEY_ARN: keyArn },
      LAMBDAPG_HEROKU_API_URL: heroku.url,
    });
    const setUrl = (url: string): void => {
      heroku.configs['postgresql-round-1'] = [
        { name: 'DATABASE_CONNECTION_POOL_URL', value: 'postgres://pool:canary@elsewhere.invalid:6432/d' },
        { name: 'HEROKU_POSTGRESQL_NOTE', value: 'canary' },
        { name: 'DATABASE_URL', value: url },
      ];
    };
    beforeEach(() => {
      heroku.keys.clear();
      heroku.keys.add('canary-key');
      bed.endpoint.secrets[keyArn] = 'canary-key\n';
      setUrl(urlOf('library_a', 'canary/first+%'));
    });

    test('rotated between two calls, the old login gone: the next statement works', async () => {
      const driver = start(ofHeroku());
      expect(await userOf(driver)).toBe('library_a');
      await bed.admin('alter role library_a nologin');
      try {
        await bed.killBackends();
        setUrl(urlOf('library_b', 'canary-b'));
        expect(await userOf(driver)).toBe('library_b');
      } finally {
        await bed.admin('alter role library_a login');
      }
      expect(heroku.answered).toEqual(Array(2).fill('200 /addons/postgresql-round-1/config'));
      expect(metricsOf(driver)).toMatchObject([{ auth_failures: 1, refreshes: 1 }]);
    });

    test('a connection that lives follows it as well, but asks an API with a limit only each hour', async () => {
      bed.endpoint.clockToleranceMs = 10_000_000;
      const driver = start(ofHeroku());
      await userOf(driver);
      setUrl(urlOf('library_b', 'canary-b'));
      await driver.do({ op: 'skip', ms: 3_500_000 });
      expect(await userOf(driver)).toBe('library_a');
      expect(heroku.answered).toHaveLength(1);
      await driver.do({ op: 'skip', ms: 101_000 });
      expect(await userOf(driver)).toBe('library_b');
    });

    test('the API key may be rotated too, and may stand in JSON', async () => {
      const driver = start(ofHeroku());
      await userOf(driver);
      heroku.keys.clear();
      heroku.keys.add('canary-key-2');
      bed.endpoint.secrets[keyArn] = JSON.stringify({ apiKey: 'canary-key-2' });
      await bed.changePassword('library_a', 'canary-second');
      setUrl(urlOf('library_a', 'canary-second'));
      await bed.killBackends();
      expect(await userOf(driver)).toBe('library_a');
    });

    test.each([
      [
        'a wrong key',
        () => heroku.keys.clear(),
        'HTTP 401: the API key in LAMBDAPG_HEROKU_KEY_ARN is not valid',
      ],
      [
        'no such add-on',
        () => delete heroku.configs['postgresql-round-1'],
        'HTTP 404: there is no such add-on',
      ],
      ['a config without a URL', () => setUrl('canary'), 'is no JSON with username and password'],
    ])('%s is an error that names the add-on and shows nothing', async (_title, change, message) => {
      change();
      const failure = await failureOf(start(ofHeroku()));
      expect(failure).toContain('the config of the Heroku add-on postgresql-round-1');
      expect(failure).toContain(message);
      expect(failure).not.toContain('canary');
    });
  });

  test('settings: every fault at once, and no value of a secret', async () => {
    const faults = await failureOf(
      start({
        ...parameter,
        ...{ LAMBDAPG_HEROKU_ADDON: 'a', LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS: 'long', AWS_REGION: '' },
      }),
    );
    for (const fault of [
      'LAMBDAPG_SECRET_PARAMETER and LAMBDAPG_HEROKU_ADDON exclude each other',
      'LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS=long is no number of seconds',
      'AWS_REGION is not set',
    ]) {
      expect(faults).toContain(fault);
    }
    const url = await failureOf(start({ ...noServer, DATABASE_URL: 'mysql://u:canary@h/d' }));
    expect(url).toContain('DATABASE_URL is no postgres://user:password@host/database');
    expect(url).not.toContain('canary');
  });

  describe('PGSSLMODE=no-verify', () => {
    const plain = (): Record<string, string> => ({ ...bed.login, PGSSLMODE: 'no-verify', PGSSLROOTCERT: '' });
    beforeEach(() => bed.changePassword('library_a', bed.login.PGPASSWORD ?? ''));

    test('takes a certificate that nobody vouches for, and encrypts', async () => {
      const [backend] = await start(plain()).query('select pg_backend_pid() as pid');
      const rows = await bed.admin(`select ssl from pg_stat_ssl where pid = ${Number(backend?.pid)}`);
      expect(rows).toEqual([{ ssl: true }]);
    });

    test('is refused for RDS and its proxy, whoever names them', async () => {
      const host = 'demo.proxy-abc.eu-central-1.rds.amazonaws.com';
      const message = `PGSSLMODE=no-verify is refused for ${host}`;
      expect(await failureOf(start({ ...plain(), PGHOST: host }))).toContain(message);
      bed.endpoint.secret = secretOf('library_a', 'canary', { host, dbname: 'library' });
      const fromSecret = { ...ofSecret, ...noServer, PGSSLMODE: 'no-verify', PGSSLROOTCERT: '' };
      expect(await failureOf(start(fromSecret))).toContain(message);
    });

    test('excludes PGSSLROOTCERT', async () => {
      const both = { ...plain(), PGSSLROOTCERT: bed.server.PGSSLROOTCERT ?? '' };
      expect(await failureOf(start(both))).toContain('PGSSLMODE=no-verify looks at no certificate');
    });
  });
});
