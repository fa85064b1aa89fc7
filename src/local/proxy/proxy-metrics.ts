import type { PinCause } from './find-pin.ts';

/**
 * Counters under the names of RDS Proxy's CloudWatch metrics
 * (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.monitoring.html). `…Received`, `…Closed`, `…Succeeded`,
 * `…Failed…` and `…Requests` count since the start, where CloudWatch counts by the minute; the others are of now.
 */
export interface ProxyMetrics {
  readonly ClientConnections: number;
  readonly ClientConnectionsTLS: number;
  readonly ClientConnectionsNoTLS: number;
  readonly ClientConnectionsReceived: number;
  readonly ClientConnectionsClosed: number;
  readonly ClientConnectionsSetupSucceeded: number;
  readonly ClientConnectionsSetupFailedAuth: number;
  readonly DatabaseConnections: number;
  readonly DatabaseConnectionsWithTLS: number;
  readonly DatabaseConnectionRequests: number;
  readonly DatabaseConnectionsSetupSucceeded: number;
  readonly DatabaseConnectionsSetupFailed: number;
  readonly DatabaseConnectionsCurrentlyBorrowed: number;
  readonly DatabaseConnectionsCurrentlySessionPinned: number;
  readonly DatabaseConnectionsCurrentlyInTransaction: number;
  readonly MaxDatabaseConnectionsAllowed: number;
  /** Microseconds, as in CloudWatch. */
  readonly DatabaseConnectionsBorrowLatency: {
    readonly count: number;
    readonly average: number;
    readonly maximum: number;
  };
  /** Simple queries and executions of prepared ones. */
  readonly QueryRequests: number;
  /** Not in CloudWatch: sessions that were pinned, by cause. */
  readonly pins: Readonly<Partial<Record<PinCause, number>>>;
}

/** What is counted while it happens; `ProxyMetrics` adds what can be looked up. */
export class ProxyCounters {
  clientsReceived = 0;
  clientsClosed = 0;
  clientsSucceeded = 0;
  clientsFailedAuth = 0;
  databaseRequests = 0;
  databaseSucceeded = 0;
  databaseFailed = 0;
  queries = 0;
  readonly pins: Partial<Record<PinCause, number>> = {};
  readonly borrowMicroseconds = { count: 0, sum: 0, maximum: 0 };

  pinned(cause: PinCause): void {
    this.pins[cause] = (this.pins[cause] ?? 0) + 1;
  }

  borrowed(microseconds: number): void {
    const { borrowMicroseconds: latency } = this;
    latency.count += 1;
    latency.sum += microseconds;
    latency.maximum = Math.max(latency.maximum, microseconds);
  }
}

interface Connection {
  readonly tls: boolean;
  /** `I` outside of a transaction. */
  readonly status: string;
}

interface Client {
  readonly tls: boolean;
  readonly session: { readonly pinned: boolean };
}

/** Everything as of now. */
export function readMetrics(
  counters: ProxyCounters,
  pool: { readonly connections: Iterable<Connection>; readonly borrowed: Iterable<Connection> },
  sessions: Iterable<Client>,
  maxConnections: number,
): ProxyMetrics {
  const clients = [...sessions];
  const connections = [...pool.connections];
  const borrowed = [...pool.borrowed];
  const withTls = clients.filter(({ tls }) => tls).length;
  const { count, sum, maximum } = counters.borrowMicroseconds;
  return {
    ClientConnections: clients.length,
    ClientConnectionsTLS: withTls,
    ClientConnectionsNoTLS: clients.length - withTls,
    ClientConnectionsReceived: counters.clientsReceived,
    ClientConnectionsClosed: counters.clientsClosed,
    ClientConnectionsSetupSucceeded: counters.clientsSucceeded,
    ClientConnectionsSetupFailedAuth: counters.clientsFailedAuth,
    DatabaseConnections: connections.length,
    DatabaseConnectionsWithTLS: connections.filter(({ tls }) => tls).length,
    DatabaseConnectionRequests: counters.databaseRequests,
    DatabaseConnectionsSetupSucceeded: counters.databaseSucceeded,
    DatabaseConnectionsSetupFailed: counters.databaseFailed,
    DatabaseConnectionsCurrentlyBorrowed: borrowed.length,
    DatabaseConnectionsCurrentlySessionPinned: clients.filter(({ session }) => session.pinned).length,
    DatabaseConnectionsCurrentlyInTransaction: borrowed.filter(({ status }) => status !== 'I').length,
    MaxDatabaseConnectionsAllowed: maxConnections,
    DatabaseConnectionsBorrowLatency: { count, average: count === 0 ? 0 : sum / count, maximum },
    QueryRequests: counters.queries,
    pins: { ...counters.pins },
  };
}
