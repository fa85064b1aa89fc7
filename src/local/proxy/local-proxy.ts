import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Context } from '../../context.ts';
import { errorCode, UserError } from '../../errors.ts';
import { findLoopback } from '../postgres/free-port.ts';
import { ClientDoor } from './client-door.ts';
import type { ProxyCredentials } from './client-login.ts';
import { ConnectionPool } from './connection-pool.ts';
import { ProxyCounters, type ProxyMetrics, readMetrics } from './proxy-metrics.ts';
import type { ProxyTarget } from './server-login.ts';

export type { ProxyCredentials } from './client-login.ts';
export type { ProxyMetrics } from './proxy-metrics.ts';
export type { ProxyTarget } from './server-login.ts';

export interface LocalProxyOptions {
  /** `localhost` and any port unless told. */
  readonly host?: string;
  readonly port?: number;
  readonly target: ProxyTarget;
  /** The proxy's secret of a role, asked at each login of a client; undefined when it has none. */
  credentials(user: string): Promise<ProxyCredentials | undefined>;
  /** PEM. Without it no TLS is offered. `required` turns plain clients away. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly required: boolean };
  readonly maxConnections: number;
  /** Half of `maxConnections` unless told, as on RDS Proxy. */
  readonly maxIdleConnections?: number;
  /** How long a session of the database above `maxIdleConnections` stays unused; 5 minutes unless told. */
  readonly idleConnectionMs?: number;
  /** Clients at once; no limit unless told. */
  readonly maxClients?: number;
  /** RDS Proxy's 120 s unless told. */
  readonly borrowTimeoutMs?: number;
  /** RDS Proxy's 30 minutes unless told. */
  readonly idleClientTimeoutMs?: number;
  /** SQL for each new session of the database. */
  readonly initQuery?: string;
  /** Pin at every Parse message, as RDS Proxy did until 2023; a named one always pins. */
  readonly pinUnnamedParse?: boolean;
  /** RDS Proxy ignores cancel requests for PostgreSQL, and so does this one; `true` passes them on. */
  readonly forwardCancel?: boolean;
  /** Is told each line of the log, in RDS Proxy's form. */
  readonly log?: (line: string) => void;
}

export interface LocalProxy {
  readonly host: string;
  readonly port: number;
  metrics(): ProxyMetrics;
  /** Ends all sessions at once; takes a second at the most. */
  stop(): Promise<void>;
}

/**
 * Starts an emulation of RDS Proxy: a few sessions of the database serve many clients, transaction by transaction; a
 * client that leaves something behind in its session keeps it (is pinned), which is reported as `proxy-pin-warning`.
 *
 * The rules are those that AWS publishes, not AWS's code: docs/decisions/007-local-proxy.md.
 *
 * @throws UserError PORT_TAKEN
 */
export async function startLocalProxy(context: Context, options: LocalProxyOptions): Promise<LocalProxy> {
  const { host = 'localhost', target, maxConnections, tls } = options;
  const counters = new ProxyCounters();
  const pool = new ConnectionPool(
    {
      target,
      maxConnections,
      maxIdleConnections: options.maxIdleConnections ?? Math.ceil(maxConnections / 2),
      idleConnectionMs: options.idleConnectionMs ?? 300_000,
      borrowTimeoutMs: options.borrowTimeoutMs ?? 120_000,
      ...(options.initQuery !== undefined && { initQuery: options.initQuery }),
    },
    counters,
  );
  const door = new ClientDoor({
    ...{ report: context.report, pool, counters, maxConnections },
    credentials: (user) => options.credentials(user),
    ...(tls !== undefined && {
      secure: {
        context: createSecureContext({ cert: tls.certificate, key: tls.key }),
        required: tls.required,
      },
    }),
    maxClients: options.maxClients ?? Number.POSITIVE_INFINITY,
    idleClientTimeoutMs: options.idleClientTimeoutMs ?? 1_800_000,
    pinUnnamedParse: options.pinUnnamedParse ?? false,
    forwardCancel: options.forwardCancel ?? false,
    log: options.log ?? (() => {}),
  });
  let front: Front;
  try {
    front = await listen(door, host, options.port ?? 0);
  } catch (error) {
    await pool.close();
    throw error;
  }
  let stopped: Promise<void> | undefined;
  return {
    host,
    port: front.port,
    metrics: () => readMetrics(counters, pool, door.sessions, maxConnections),
    stop() {
      stopped ??= stopAll(front, door, pool);
      return stopped;
    },
  };
}

interface Front {
  readonly port: number;
  readonly servers: readonly Server[];
}

/** How often a port is asked of the system that is free on all addresses. */
const attempts = 20;

/** On both loopback addresses for `localhost`: which one a client tries is the system's choice. */
async function listen(door: ClientDoor, host: string, wanted: number): Promise<Front> {
  const addresses = host === 'localhost' ? await findLoopback() : [host];
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listenOnAll(door, addresses, wanted);
    } catch (cause) {
      if (errorCode(cause) !== 'EADDRINUSE') throw cause;
      // The port that the system gave on one address was another process's on the next one.
      if (wanted === 0 && attempt < attempts) continue;
      throw new UserError('PORT_TAKEN', `port ${wanted} on ${host} is taken`, {
        suggestions: ['choose another port, or 0 for any'],
        cause,
      });
    }
  }
}

async function listenOnAll(door: ClientDoor, addresses: readonly string[], wanted: number): Promise<Front> {
  const servers: Server[] = [];
  let port = wanted;
  try {
    for (const address of addresses) {
      const server = createServer({ noDelay: true }, (socket) => void door.enter(socket));
      server.listen({ host: address, port, exclusive: true });
      await once(server, 'listening');
      servers.push(server);
      port = (server.address() as AddressInfo).port;
    }
    return { port, servers };
  } catch (cause) {
    for (const server of servers) server.close();
    throw cause;
  }
}

async function stopAll({ servers }: Front, door: ClientDoor, pool: ConnectionPool): Promise<void> {
  const closed = servers.map((server) => once(server, 'close'));
  for (const server of servers) server.close();
  door.close();
  await pool.close();
  await Promise.all(closed);
}
