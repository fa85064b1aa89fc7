import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Signer as RdsSigner } from '@aws-sdk/rds-signer';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { withClient } from '../../../src/database/with-client.ts';
import { createAuthority, type KeyPair } from '../../../src/local/postgres/certificates.ts';
import { Secret } from '../../../src/secret.ts';
import { testContext } from '../../postgres-server.ts';
import { RdsServer } from './rds-server.ts';
import { type Signer, verifyRdsToken } from './rds-token.ts';
import { startTokenFront, type TokenFront } from './token-front.ts';

const name = 'db1.c9akciq32rgt.eu-central-1.rds.amazonaws.com';
const region = 'eu-central-1';
const password = new Secret('master-Password');
const python = join(import.meta.dirname, '../../../.venv/bin/python');

const signers: Record<string, Signer> = {
  AKIDLONG: { secretAccessKey: 'long/secret+key', arn: 'arn:aws:iam::123456789012:user/ci' },
  AKIDTEMP: {
    secretAccessKey: 'temporary',
    sessionToken: 'a/session+token==',
    arn: 'arn:aws:iam::123456789012:role/fn',
  },
};

let now = new Date();
let authority: KeyPair;
let server: RdsServer;
let front: TokenFront;
const refused: string[] = [];

beforeAll(async () => {
  authority = await createAuthority();
  server = await RdsServer.create(testContext(), {
    major: 17,
    names: [name],
    authority,
    maxConnections: 20,
    forceSsl: true,
    master: { user: 'boss', password },
  });
  front = await startTokenFront({
    server,
    port: 5432,
    onRefused: (_user, reason) => refused.push(reason),
    verifyToken: async (user, token) => {
      const findSigner = async (key: string) => signers[key];
      const verdict = await verifyRdsToken(token, {
        hosts: [name],
        port: 5432,
        user,
        region,
        now,
        findSigner,
      });
      return 'refused' in verdict ? verdict.refused : undefined;
    },
  });
  await server.asAdmin((client) => client.query('CREATE ROLE app LOGIN; GRANT rds_iam TO app'));
});

afterAll(async () => {
  front.stop();
  await server.remove();
});

interface TokenWish {
  readonly key?: string;
  readonly secret?: string;
  readonly session?: string;
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly region?: string;
}

async function sign(wish: TokenWish = {}): Promise<Secret> {
  const key = wish.key ?? 'AKIDLONG';
  const signer = signers[key];
  const sessionToken = wish.session ?? signer?.sessionToken;
  const rdsSigner = new RdsSigner({
    hostname: wish.host ?? name,
    port: wish.port ?? 5432,
    username: wish.user ?? 'app',
    region: wish.region ?? region,
    credentials: {
      accessKeyId: key,
      secretAccessKey: wish.secret ?? signer?.secretAccessKey ?? 'unknown',
      ...(sessionToken !== undefined && sessionToken !== '' && { sessionToken }),
    },
  });
  return new Secret(await rdsSigner.getAuthToken());
}

const target = (change: Partial<ConnectionTarget>): ConnectionTarget => ({
  host: server.frontAddress.host,
  port: 5432,
  database: 'postgres',
  user: 'app',
  password: new Secret('none'),
  tls: { ca: authority.certificate, name },
  ...change,
});

const whoAmI = (change: Partial<ConnectionTarget>) =>
  withClient(target(change), { applicationName: 'test' }, async (client) => {
    const { rows } = await client.query<{ who: string }>('SELECT current_user AS who');
    return rows[0]?.who;
  });

describe('the front that verifies IAM database tokens', () => {
  test('lets in a token of the AWS SDK, of long-term and of temporary credentials', async () => {
    expect(await whoAmI({ password: await sign() })).toBe('app');
    expect(await whoAmI({ password: await sign({ key: 'AKIDTEMP' }) })).toBe('app');
  });

  test('lets in a token of botocore', async () => {
    const code = `
import botocore.session, sys
session = botocore.session.Session()
session.set_credentials(*sys.argv[1:4])
print(session.create_client('rds', region_name='${region}').generate_db_auth_token('${name}', 5432, 'app'))`;
    const { secretAccessKey, sessionToken } = signers.AKIDTEMP as Required<Signer>;
    const { stdout } = await execa(python, ['-c', code, 'AKIDTEMP', secretAccessKey, sessionToken]);
    expect(await whoAmI({ password: new Secret(stdout.trim()) })).toBe('app');
  });

  test.each([
    ['another secret key', { secret: 'stolen' }, /signature/],
    ['an unknown access key', { key: 'AKIDNOBODY' }, /access key AKIDNOBODY/],
    ['another host', { host: name.replace('db1', 'db2') }, /host db2/],
    ['another port', { port: 5433 }, /port 5433/],
    ['another user', { user: 'boss' }, /user boss/],
    ['another region', { region: 'us-east-1' }, /region us-east-1/],
    ['another session token', { key: 'AKIDTEMP', session: 'x' }, /session token/],
  ] as const)('refuses a token with %s', async (_what, wish, reason) => {
    await expect(whoAmI({ password: await sign(wish) })).rejects.toMatchObject({
      code: '28000',
      message: 'PAM authentication failed for user "app"',
    });
    expect(refused.at(-1)).toMatch(reason);
  });

  test('refuses a token after 15 minutes, and one from the future', async () => {
    const token = await sign();
    try {
      for (const [seconds, reason] of [
        [901, /too old/],
        [-400, /future/],
      ] as const) {
        now = new Date(Date.now() + seconds * 1000);
        await expect(whoAmI({ password: token })).rejects.toMatchObject({ code: '28000' });
        expect(refused.at(-1)).toMatch(reason);
      }
      now = new Date(Date.now() + 880_000);
      expect(await whoAmI({ password: token })).toBe('app');
    } finally {
      now = new Date();
    }
  });

  test('refuses a changed token and an ordinary password', async () => {
    const token = (await sign()).reveal().replace('Action=connect', 'Action=connect&Extra=1');
    await expect(whoAmI({ password: new Secret(token) })).rejects.toMatchObject({ code: '28000' });
    await expect(whoAmI({ password: new Secret('pa55word') })).rejects.toMatchObject({ code: '28000' });
  });

  test('other users log in by SCRAM with the server itself', async () => {
    expect(await whoAmI({ user: 'boss', password })).toBe('boss');
    await expect(whoAmI({ user: 'boss' })).rejects.toMatchObject({ code: '28P01' });
    await expect(whoAmI({ user: 'nobody' })).rejects.toMatchObject({ code: '28P01' });
  });

  test('libpq logs in both ways', async () => {
    const code = `
import psycopg, sys
for user in ('app', 'boss'):
    with psycopg.connect(host='${name}', hostaddr=sys.argv[1], port=5432, dbname='postgres', user=user,
        password=sys.argv[2] if user == 'app' else sys.argv[3], sslmode='require') as c:
        print(c.execute('select current_user').fetchone()[0])`;
    const token = (await sign()).reveal();
    const { stdout } = await execa(python, ['-c', code, server.frontAddress.host, token, password.reveal()]);
    expect(stdout.split(/\s+/)).toEqual(['app', 'boss']);
  });

  test('a plain connection is refused', async () => {
    await expect(whoAmI({ tls: false })).rejects.toMatchObject({
      code: '28000',
      message: expect.stringContaining('no pg_hba.conf entry'),
    });
  });

  test('a running statement can be cancelled through it', async () => {
    const cancelled = withClient(
      target({ user: 'boss', password }),
      { applicationName: 'test' },
      async (client) => {
        const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
        expect(processID).toBe(rows[0]?.pid);
        const request = Buffer.alloc(16);
        for (const [at, value] of [16, 80_877_102, processID].entries()) request.writeInt32BE(value, at * 4);
        request.writeInt32BE(secretKey, 12);
        const sleeping = client.query('SELECT pg_sleep(60)');
        // A cancel request that comes before its statement cancels nothing.
        await sleepingNow(processID);
        connect({ host: server.frontAddress.host, port: 5432 }).end(request);
        return sleeping;
      },
    );
    await expect(cancelled).rejects.toMatchObject({ code: '57014' });
  });

  test('clients that leave half-way do no harm', async () => {
    for (const bytes of [
      [],
      [0],
      [0, 0, 0, 8, 4, 210, 22, 47],
      [0, 0, 0, 9, 0, 3, 0, 0, 0],
      [255, 255, 255, 255, 0, 3, 0, 0],
    ]) {
      await new Promise((resolve) =>
        connect({ host: server.frontAddress.host, port: 5432 })
          .on('close', resolve)
          .end(Buffer.from(bytes))
          .resume(),
      );
    }
    expect(await whoAmI({ user: 'boss', password })).toBe('boss');
  });
});

/** Returns when the session `pid` is inside pg_sleep. */
function sleepingNow(pid: number): Promise<void> {
  return server.asAdmin(async (admin) => {
    const look = 'SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = $2';
    while ((await admin.query(look, [pid, 'PgSleep'])).rowCount === 0) await setTimeout(20);
  });
}
