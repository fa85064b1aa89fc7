import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { createServerCertificate, type KeyPair } from '../../../src/local/postgres/certificates.ts';
import type { LocalPostgres } from '../../../src/local/postgres/local-postgres.ts';
import {
  type LocalProxy,
  type LocalProxyOptions,
  startLocalProxy,
} from '../../../src/local/proxy/local-proxy.ts';
import { startTestPostgres, type TestContext, testContext } from '../../postgres-server.ts';

/** A proxy under test with what it told. */
export interface TestProxy extends LocalProxy {
  readonly context: TestContext;
  readonly log: readonly string[];
  /** Through the proxy, as the first slot. */
  readonly target: ConnectionTarget;
  connect(overrides?: pg.ClientConfig): Promise<pg.Client>;
}

type TestProxyOptions = Partial<Omit<LocalProxyOptions, 'tls'>> & { tls?: LocalProxyOptions['tls'] | null };

export interface ProxyBed {
  readonly local: LocalPostgres;
  /** Signed by the server's authority. */
  readonly certificate: KeyPair;
  /** `tls: null` for a proxy without. */
  startProxy(options?: TestProxyOptions): Promise<TestProxy>;
  /** Straight to the server, as its superuser. */
  admin<R extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<R[]>;
  /** The application's sessions as the server sees them. */
  sessions(): Promise<{ pid: number; state: string; application_name: string }[]>;
  /** Stops every proxy, and waits until the server has forgotten the application's sessions. */
  stopProxies(): Promise<void>;
  cleanUp(): Promise<void>;
}

/** Far more than any of it takes on a busy machine. */
const waitMs = 30_000;

/** A server, proxies before it, and a way past them. */
export async function startProxyBed(): Promise<ProxyBed> {
  const { local, cleanUp } = await startTestPostgres();
  const authority = await readFile(local.caFile, 'utf8');
  const key = await readFile(join(local.caFile, '..', 'ca.key'), 'utf8');
  const certificate = await createServerCertificate({ certificate: authority, key });
  const direct = await connect(local.admin, {});
  const proxies: LocalProxy[] = [];
  const admin = async <R extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<R[]> =>
    (await direct.query<R>(sql, values)).rows;
  const sessions: ProxyBed['sessions'] = () =>
    admin(
      `select pid, state, application_name from pg_stat_activity
       where usename = $1 and backend_type = 'client backend' order by pid`,
      [local.slots.a.user],
    );
  return {
    local,
    certificate,
    admin,
    sessions,
    async startProxy({ tls = { ...certificate, required: true }, ...options } = {}) {
      const context = testContext();
      const log: string[] = [];
      const { password } = local.slots.a;
      if (typeof password === 'function') throw new Error('a password was expected');
      const proxy = await startLocalProxy(context, {
        target: local.slots.a,
        credentials: async (user) => (user === local.slots.a.user ? { password } : undefined),
        ...(tls !== null && { tls }),
        maxConnections: 2,
        borrowTimeoutMs: waitMs,
        log: (line) => log.push(line),
        ...options,
      });
      proxies.push(proxy);
      const target = { ...local.slots.a, port: proxy.port };
      return { ...proxy, context, log, target, connect: (overrides = {}) => connect(target, overrides) };
    },
    async stopProxies() {
      for (const proxy of proxies.splice(0)) await proxy.stop();
      await eventually(sessions, (left) => left.length === 0);
    },
    async cleanUp() {
      for (const proxy of proxies) await proxy.stop();
      await direct.end();
      await cleanUp();
    },
  };
}

async function connect(target: ConnectionTarget, overrides: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client({ ...clientConfig(target), ...overrides });
  client.on('error', () => {});
  await client.connect();
  return client;
}

export function clientConfig({
  host,
  port,
  database,
  user,
  password,
  tls,
}: ConnectionTarget): pg.ClientConfig {
  if (typeof password === 'function') throw new Error('a password was expected');
  return {
    ...{ host, port, database, user, password: password.reveal() },
    ssl: tls === false ? false : { ...tls, rejectUnauthorized: true },
  };
}

/** Asks again until it fits: for what another process does in its own time. */
export async function eventually<T>(ask: () => T | Promise<T>, fits: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const value = await ask();
    if (fits(value)) return value;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function socketOf(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}
