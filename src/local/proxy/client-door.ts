import { randomBytes, randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Report } from '../../context.ts';
import { parseApplicationName } from '../../database/application-name.ts';
import { errorMessage } from '../../errors.ts';
import { authenticateClient, type ProxyCredentials } from './client-login.ts';
import { ClientSession, type SessionEnd } from './client-session.ts';
import { type ClientStart, readClientStart } from './client-startup.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { Pin } from './find-pin.ts';
import { authentication, errorResponse, message, parameterStatus, readyForQuery } from './messages.ts';
import { ProxyError, proxyErrors } from './proxy-error.ts';
import type { ProxyCounters } from './proxy-metrics.ts';
import type { ServerConnection } from './server-connection.ts';
import type { DatabaseLogin } from './server-login.ts';

export interface DoorOptions {
  readonly report: Report;
  readonly pool: ConnectionPool;
  readonly counters: ProxyCounters;
  readonly maxConnections: number;
  credentials(user: string): Promise<ProxyCredentials | undefined>;
  readonly secure?: { readonly context: SecureContext; readonly required: boolean };
  readonly maxClients: number;
  readonly idleClientTimeoutMs: number;
  readonly pinUnnamedParse: boolean;
  readonly forwardCancel: boolean;
  readonly log: (line: string) => void;
}

export interface OpenSession {
  readonly session: ClientSession;
  readonly tls: boolean;
}

/** As PostgreSQL's `authentication_timeout`. */
const loginLimitMs = 60_000;

/** The first two reasons in words found in public logs of RDS Proxy. */
const endings: Readonly<Record<SessionEnd, string>> = {
  requested: 'The client requested that the connection close.',
  closed: 'The TCP channel was closed by either the client or the proxy.',
  idle: 'The client connection was idle for too long.',
  error: 'An error ended the session.',
  stopped: 'The proxy was stopped.',
};

/** Lets clients in: start-up, login, limits, cancel requests. */
export class ClientDoor {
  readonly #options: DoorOptions;
  /** By the key that their cancel requests send. */
  readonly #sessions = new Map<string, OpenSession>();
  readonly #sockets = new Set<Socket>();
  /** ParameterStatus by login and settings. */
  readonly #parameters = new Map<string, ReadonlyMap<string, string>>();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  get sessions(): Iterable<OpenSession> {
    return this.#sessions.values();
  }

  /** Serves one connection. Never throws. */
  async enter(plain: Socket): Promise<void> {
    const { counters, log } = this.#options;
    this.#sockets.add(plain);
    plain.on('error', () => {}).on('close', () => this.#sockets.delete(plain));
    const limit = setTimeout(() => plain.destroy(), loginLimitMs);
    const client = { id: randomInt(1, 2 ** 31), socket: plain };
    counters.clientsReceived += 1;
    try {
      const start = await readClientStart(plain, this.#options.secure, (socket) => {
        client.socket = socket;
      });
      if ('cancel' in start) await this.#cancel(start.cancel, plain);
      else {
        log(
          line('INFO', client.id, `A new client connected from ${plain.remoteAddress}:${plain.remotePort}.`),
        );
        await this.#admit(client.id, start);
      }
    } catch (error) {
      this.#turnAway(client.socket, client.id, error);
    } finally {
      clearTimeout(limit);
    }
  }

  close(): void {
    for (const { session } of [...this.#sessions.values()]) session.end('stopped');
    for (const socket of this.#sockets) socket.destroy();
  }

  async #admit(id: number, start: ClientStart): Promise<void> {
    const { counters, maxClients, log } = this.#options;
    if (this.#sessions.size >= maxClients) throw proxyErrors.tooManyClients(maxClients);
    const credentials = await this.#options.credentials(start.user);
    const login = await authenticateClient(start, credentials, (reason) => log(line('WARN', id, reason)));
    const parameters = await this.#readParameters(start, login);
    const key = Buffer.concat([Buffer.alloc(4), randomBytes(4)]);
    key.writeUInt32BE(id);
    const session = this.#openSession(id, start, login, key);
    start.socket.write(
      Buffer.concat([
        authentication(0),
        ...[...parameters].map(([name, value]) => parameterStatus(name, value)),
        message('K', key),
        readyForQuery(),
      ]),
    );
    counters.clientsSucceeded += 1;
    session.start(start.source.release());
  }

  /** What the database tells a client that connects with these settings. Only the first one has to ask. */
  async #readParameters(start: ClientStart, login: DatabaseLogin): Promise<ReadonlyMap<string, string>> {
    const { application_name: name = '', ...settings } = start.settings;
    const key = JSON.stringify([login.user, login.database, Object.entries(settings).sort()]);
    const known = this.#parameters.get(key) ?? (await this.#askParameters(start, login));
    this.#parameters.set(key, known);
    return new Map([...known, ['application_name', name]]);
  }

  async #askParameters(start: ClientStart, login: DatabaseLogin): Promise<ReadonlyMap<string, string>> {
    const { pool } = this.#options;
    const gone = new AbortController();
    const abort = (): void => gone.abort(new Error('the client is gone'));
    start.socket.on('close', abort);
    const connection = await pool.borrow(login, start.settings, gone.signal);
    start.socket.off('close', abort);
    const parameters = new Map(connection.parameters);
    pool.release(connection);
    return parameters;
  }

  #openSession(id: number, start: ClientStart, login: DatabaseLogin, key: Buffer): ClientSession {
    const { pool, counters, idleClientTimeoutMs, pinUnnamedParse, log } = this.#options;
    const session = new ClientSession(start.socket, {
      ...{ id, login, settings: start.settings, pool, counters, idleClientTimeoutMs, pinUnnamedParse },
      onPin: (pin, connection) => this.#pinned(id, start, pin, connection),
      onEnd: (reason, midRequest) => {
        this.#sessions.delete(key.toString('hex'));
        counters.clientsClosed += 1;
        if (midRequest !== undefined)
          log(
            `${new Date().toISOString()} [INFO] [dbConnection=${midRequest.id}] The database connection closed. Reason: The client connection that borrowed this database connection from the connection pool was closed in the middle of a request.`,
          );
        log(line('INFO', id, `The client connection closed. Reason: ${endings[reason]}`));
      },
    });
    this.#sessions.set(key.toString('hex'), { session, tls: start.tls });
    return session;
  }

  #pinned(
    id: number,
    { settings, user, database }: ClientStart,
    pin: Pin,
    connection: ServerConnection,
  ): void {
    const { counters, report, log } = this.#options;
    counters.pinned(pin.cause);
    const text = `The client session was pinned to the database connection [dbConnection=${connection.id}] for the remainder of the session. The proxy can't reuse this connection until the session ends. Reason: ${pin.reason}`;
    log(line('WARN', id, text));
    const applicationName = settings.application_name ?? '';
    const functionName = parseApplicationName(applicationName)?.functionName;
    const who = functionName ?? (applicationName === '' ? `client ${id}` : applicationName);
    report({
      type: 'proxy-pin-warning',
      message: `${who} is pinned to database connection ${connection.id}: ${pin.reason}`,
      ...{ cause: pin.cause, reason: pin.reason, applicationName, functionName, user, database },
      clientConnection: id,
      dbConnection: connection.id,
    });
  }

  async #cancel(key: Buffer, socket: Socket): Promise<void> {
    this.#options.counters.clientsClosed += 1;
    if (this.#options.forwardCancel) await this.#sessions.get(key.toString('hex'))?.session.cancel();
    socket.end();
  }

  #turnAway(socket: Socket, id: number, error: unknown): void {
    const { counters, log } = this.#options;
    counters.clientsClosed += 1;
    if (!(error instanceof ProxyError)) {
      log(line('WARN', id, errorMessage(error)));
      socket.destroy();
      return;
    }
    if (error.sqlState.startsWith('28')) counters.clientsFailedAuth += 1;
    log(line('WARN', id, error.message));
    socket.end(errorResponse('FATAL', error.sqlState, error.message));
  }
}

/** The form of a line in the log group of an RDS Proxy. */
function line(level: 'INFO' | 'WARN', clientConnection: number, text: string): string {
  return `${new Date().toISOString()} [${level}] [proxyEndpoint=default] [clientConnection=${clientConnection}] ${text}`;
}
