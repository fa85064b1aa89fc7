import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../../src/local/postgres/certificates.ts';
import { Secret } from '../../src/secret.ts';
import { RdsServer } from '../bed/data-plane/rds-server.ts';
import { verifyRdsToken } from '../bed/data-plane/rds-token.ts';
import { startTokenFront, type TokenFront } from '../bed/data-plane/token-front.ts';
import { makeTempDir, testContext } from '../postgres-server.ts';
import { bundleNodeDriver, driverLanguages, startDriver } from './driver.ts';
import { testAwsEnvironment } from './secrets-endpoint.ts';

/* Tokens are good for 15 minutes and a login: an environment that lives longer has to make others. */

const name = 'demo.abc.eu-central-1.rds.amazonaws.com';
let folder: string;
let nodeDriver: string;
let server: RdsServer;
let front: TokenFront;
/** How far the clock of RDS is ahead. */
let laterMs = 0;
const refused: string[] = [];

beforeAll(async () => {
  const authority = await createAuthority();
  folder = await makeTempDir();
  nodeDriver = await bundleNodeDriver(folder);
  await writeFile(join(folder, 'rds-ca.pem'), authority.certificate);
  server = await RdsServer.create(testContext(), {
    ...{ major: 17, names: [name], authority, maxConnections: 20, forceSsl: true },
    master: { user: 'boss', password: new Secret('master-Password') },
  });
  front = await startTokenFront({
    server,
    port: 5432,
    onRefused: (_user, reason) => refused.push(reason),
    async verifyToken(user, token) {
      const verdict = await verifyRdsToken(token, {
        ...{ hosts: [name], port: 5432, user, region: testAwsEnvironment.AWS_REGION },
        now: new Date(Date.now() + laterMs),
        findSigner: async () => ({
          secretAccessKey: testAwsEnvironment.AWS_SECRET_ACCESS_KEY,
          sessionToken: testAwsEnvironment.AWS_SESSION_TOKEN,
          arn: 'arn:aws:iam::123456789012:role/demo',
        }),
      });
      return 'refused' in verdict ? verdict.refused : undefined;
    },
  });
  await server.asAdmin((client) => client.query('create role library_a login; grant rds_iam to library_a'));
});
afterAll(async () => {
  front.stop();
  await server.remove();
  await rm(folder, { recursive: true });
});

const killBackends = () =>
  server.asAdmin((client) =>
    client.query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'library_a'"),
  );

describe.each(driverLanguages)('a login by a token in %s', (language) => {
  const start = () =>
    startDriver(language, nodeDriver, {
      ...{ PGHOST: name, PGDATABASE: 'postgres', PGUSER: 'library_a', LAMBDAPG_DB_AUTH: 'iam' },
      ...{ ...testAwsEnvironment, PGSSLROOTCERT: './rds-ca.pem', LAMBDA_TASK_ROOT: folder },
      ...{ TEST_LOCAL_NAME: name, TEST_LOCAL_ADDRESS: server.frontAddress.host },
    });
  const sql = 'select session_user::text as name';

  test('works again 20 minutes later, when the first token has expired', async () => {
    laterMs = 0;
    const driver = start();
    try {
      expect(await driver.query(sql)).toEqual([{ name: 'library_a' }]);
      laterMs = 20 * 60_000;
      await driver.do({ op: 'skip', ms: laterMs });
      await killBackends();
      expect(await driver.query(sql)).toEqual([{ name: 'library_a' }]);
      expect(refused).toEqual([]);
    } finally {
      await driver.stop();
    }
  });

  test('a clock that stands still is refused: the front of this test does look at the time', async () => {
    laterMs = 20 * 60_000;
    const driver = start();
    try {
      await expect(driver.query(sql)).rejects.toThrow(/PAM authentication failed/);
      expect(refused.splice(0).join()).toMatch(/expire|old|15/);
    } finally {
      await driver.stop();
    }
  });
});
