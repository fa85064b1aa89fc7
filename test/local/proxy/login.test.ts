import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  message,
  readFields,
  sslRequest,
  startupMessage,
  uint32,
} from '../../../src/local/proxy/messages.ts';
import { Secret } from '../../../src/secret.ts';
import { clientConfig, type ProxyBed, startProxyBed, type TestProxy } from './proxy-bed.ts';

let bed: ProxyBed;
let proxy: TestProxy;
beforeAll(async () => {
  bed = await startProxyBed();
  proxy = await bed.startProxy();
});
afterAll(() => bed.cleanUp());

/** Everything the proxy answers to raw bytes, until it closes. */
async function ask(bytes: Buffer): Promise<Buffer> {
  const socket = connectTcp(proxy.port, 'localhost');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

describe('who is let in', () => {
  test.each([
    [
      'a wrong password',
      { password: 'wrong' },
      '28P01',
      /^The password that was provided for the role library_a is wrong\.$/,
    ],
    [
      'a role without a secret',
      { user: 'postgres' },
      '28000',
      /^This RDS proxy has no credentials for the role postgres\. Check the credentials for this role and try again\.$/,
    ],
    ['no TLS', { ssl: false }, '28000', /^This RDS Proxy requires TLS connections\.$/],
    [
      'an unknown database',
      { database: 'nowhere' },
      '3D000',
      /^Request returned an error: database "nowhere" does not exist$/,
    ],
    [
      'options',
      { options: '-c search_path=x' },
      '0A000',
      /^Feature not supported: RDS Proxy currently doesn't support command-line options\.$/,
    ],
    [
      'statement_timeout',
      { statement_timeout: 5 },
      '0A000',
      /^Feature not supported: RDS Proxy currently doesn't support the option statement_timeout\.$/,
    ],
    ['replication', { replication: 'database' } as pg.ClientConfig, '0A000', /streaming replication mode\.$/],
  ])('not with %s', async (_, overrides, code, text) => {
    await expect(proxy.connect(overrides)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(text),
    });
    expect(proxy.log.at(-1)).toMatch(text.source.startsWith('^') ? new RegExp(text.source.slice(1)) : text);
  });

  test('the counters tell the failed logins', () => {
    expect(proxy.metrics()).toMatchObject({ ClientConnections: 0, ClientConnectionsSetupFailedAuth: 3 });
  });

  test('the certificate is the one it was given', async () => {
    await expect(proxy.connect({ ssl: { rejectUnauthorized: true } })).rejects.toThrow(/certificate/);
  });

  test('plain clients where TLS is not required, or not offered', async () => {
    for (const tls of ['optional', 'none'] as const) {
      const open = await bed.startProxy(
        tls === 'none' ? { tls: null } : { tls: { ...bed.certificate, required: false } },
      );
      const client = await open.connect({ ssl: false });
      expect(open.metrics()).toMatchObject({
        ClientConnectionsNoTLS: 1,
        ClientConnectionsTLS: 0,
        DatabaseConnectionsWithTLS: 1,
      });
      await client.end();
      await open.stop();
    }
  });

  test('a client too many', async () => {
    const small = await bed.startProxy({ maxClients: 1 });
    const client = await small.connect();
    await expect(small.connect()).rejects.toThrow(
      'The maximum number of client connections to the proxy exceeded 1.',
    );
    await client.end();
    await small.stop();
  });
});

describe('IAM', () => {
  const startIam = (fits: (token: string) => boolean) =>
    bed.startProxy({
      tls: { ...bed.certificate, required: false },
      credentials: async () => ({
        verifyToken: async (token) => (fits(token.reveal()) ? undefined : 'the token has expired'),
        password: bed.local.slots.a.password,
      }),
    });

  test('a token that is good lets in; the reason why another is not stays in the log', async () => {
    const iam = await startIam((token) => token === 'good');
    const client = await iam.connect({ password: 'good' });
    expect((await client.query('select current_user as me')).rows[0].me).toMatch(/^library_/);
    await client.end();
    await expect(iam.connect({ password: 'bad' })).rejects.toMatchObject({
      message:
        'IAM authentication failed for user library_a. Check the IAM token for this user and try again.',
    });
    expect(iam.log.join('\n')).toContain('the token has expired');
    await expect(iam.connect({ ssl: false })).rejects.toThrow(
      'IAM authentication is allowed only with SSL connections.',
    );
    expect(iam.log.join('\n')).not.toMatch(/good|bad/);
    await iam.stop();
  });
});

describe('at the start of a connection', () => {
  test('GSS and TLS requests are answered, rubbish is not', async () => {
    const gss = Buffer.concat([uint32(8), uint32(80_877_104)]);
    const plain = startupMessage({ user: 'library_a' });
    const answer = await ask(Buffer.concat([gss, plain]));
    expect(answer.toString('latin1', 0, 2)).toBe('NE');
    expect(readFields(answer.subarray(6)).get('M')).toBe('This RDS Proxy requires TLS connections.');
    expect(await ask(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toEqual(Buffer.alloc(0));
    expect(await ask(Buffer.concat([sslRequest(), plain]))).toEqual(Buffer.alloc(0));
    const old = Buffer.concat([uint32(12), uint32(131_072), uint32(0)]);
    const plainProxy = await bed.startProxy({ tls: null });
    const socket = connectTcp(plainProxy.port, 'localhost');
    socket.write(old);
    const [refusal] = (await once(socket, 'data')) as [Buffer];
    expect(readFields(refusal.subarray(5)).get('M')).toContain('supports only version 3.0');
    await plainProxy.stop();
  });

  test('a missing user is named', async () => {
    const plainProxy = await bed.startProxy({ tls: null });
    const socket = connectTcp(plainProxy.port, 'localhost');
    socket.write(startupMessage({ database: 'library' }));
    const [refusal] = (await once(socket, 'data')) as [Buffer];
    expect(readFields(refusal.subarray(5)).get('M')).toContain('A user name is missing');
    await plainProxy.stop();
  });

  test('a client of a later protocol version is told the version that is spoken', async () => {
    const plainProxy = await bed.startProxy({ tls: null });
    const socket = connectTcp(plainProxy.port, 'localhost');
    const startup = startupMessage({ user: 'library_a', '_pq_.new': '1' });
    startup.writeUInt32BE(196_610, 4);
    socket.write(startup);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.subarray(0, 22)).toEqual(message('v', uint32(196_608), uint32(1), '_pq_.new'));
    await plainProxy.stop();
    expect(answer.toString('latin1', 22, 23)).toBe('R');
  });
});

describe('what the client sets when it connects', () => {
  test('is set on every session that it borrows, and not on those of others', async () => {
    const shared = await bed.startProxy({ maxConnections: 1 });
    const a = await shared.connect({ application_name: "a'\\b" });
    const config = clientConfig(shared.target);
    const b = new pg.Client({ ...config, application_name: 'b', options: undefined });
    await b.connect();
    const show =
      "select current_setting('application_name') as name, current_setting('client_encoding') as encoding";
    for (const round of [1, 2]) {
      expect((await a.query(show)).rows, `${round}`).toEqual([{ name: "a'\\b", encoding: 'UTF8' }]);
      expect((await b.query(show)).rows, `${round}`).toEqual([{ name: 'b', encoding: 'UTF8' }]);
    }
    expect(await bed.sessions()).toEqual([expect.objectContaining({ application_name: 'b' })]);
    expect(shared.metrics().pins).toEqual({});
    await a.end();
    await b.end();
    await shared.stop();
  });
});

test('a database password that is wrong is told as the database tells it', async () => {
  const stale = await bed.startProxy({ credentials: async () => ({ password: new Secret('stale') }) });
  await expect(stale.connect({ password: 'stale' })).rejects.toMatchObject({
    code: '28P01',
    message: 'Request returned an error: password authentication failed for user "library_a"',
  });
  await stale.stop();
});

test('a port that is taken', async () => {
  await expect(bed.startProxy({ port: proxy.port })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
});
