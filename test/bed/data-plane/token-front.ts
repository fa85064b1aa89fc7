import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { KeyPair } from '../../../src/local/postgres/certificates.ts';
import {
  askForPassword,
  cancelRequestCode,
  fatal,
  gssRequestCode,
  parseStartup,
  readPassword,
  readStartPacket,
  sslRequestCode,
  startupMessage,
} from './pg-wire.ts';

/** The server behind a front, as far as the front needs it. */
export interface FrontedServer {
  readonly address: { readonly host: string };
  readonly frontAddress: { readonly host: string };
  readonly socketDir: string;
  readonly certificate: KeyPair;
  readonly options: { readonly forceSsl: boolean };
  isIamUser(user: string): Promise<boolean>;
}

export interface TokenFrontOptions {
  readonly server: FrontedServer;
  readonly port: number;
  /** Where it listens; the server's front address unless told. */
  readonly host?: string;
  /** For a reader's endpoint: sessions start read-only. */
  readonly readOnly?: boolean;
  /** Undefined when the token is good for that user, else why not. */
  verifyToken(user: string, token: string): Promise<string | undefined>;
  /** Told what RDS keeps to itself. */
  onRefused?(user: string, reason: string): void;
}

export interface TokenFront {
  stop(): void;
}

/**
 * Stands at an RDS name in front of PostgreSQL, which cannot check IAM tokens: asks members of rds_iam for a token over
 * TLS and passes everybody else's bytes on, so that their SCRAM exchange is with the server itself.
 */
export async function startTokenFront(options: TokenFrontOptions): Promise<TokenFront> {
  const { server, port } = options;
  const sockets = new Set<Duplex>();
  const front = createServer((socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    socket.on('error', () => socket.destroy());
    serve(options, socket).catch(() => socket.destroy());
  });
  front.listen({ host: options.host ?? server.frontAddress.host, port });
  await once(front, 'listening');
  front.unref();
  return { stop: () => stop(front, sockets) };
}

function stop(front: Server, sockets: ReadonlySet<Duplex>): void {
  front.close();
  for (const socket of sockets) socket.destroy();
}

async function serve(options: TokenFrontOptions, socket: Socket): Promise<void> {
  const { server } = options;
  const opened = await open(server, socket);
  if (opened === undefined) {
    socket.destroy();
    return;
  }
  const { client, code, bytes } = opened;
  if (code === cancelRequestCode) {
    passCancel(client, dialServer(server), bytes);
    return;
  }
  const startup = parseStartup(bytes);
  if (startup === undefined) {
    client.destroy();
    return;
  }
  if (options.readOnly) startup.set('default_transaction_read_only', 'on');
  const user = startup.get('user') ?? '';
  const isIamUser = await server.isIamUser(user);
  if (client === socket && (server.options.forceSsl || isIamUser)) {
    client.end(fatal('28000', noRule(socket, user, startup.get('database') ?? user)));
  } else if (!isIamUser) {
    pass(client, dialServer(server), startupMessage(startup));
  } else if (await hasToken(options, client, user)) {
    pass(client, connect(`${server.socketDir}/.s.PGSQL.${options.port}`), startupMessage(startup));
  } else {
    client.end(fatal('28000', `PAM authentication failed for user "${user}"`));
  }
}

/** The first packet that is no request for encryption, and the stream that is then spoken on. */
async function open(
  server: FrontedServer,
  socket: Socket,
): Promise<{ readonly client: Duplex; readonly code: number; readonly bytes: Buffer } | undefined> {
  let client: Duplex = socket;
  for (;;) {
    const packet = await readStartPacket(client);
    if (packet === undefined) return undefined;
    if (packet.code !== gssRequestCode && packet.code !== sslRequestCode) return { client, ...packet };
    const encrypts = packet.code === sslRequestCode && client === socket;
    client.write(encrypts ? 'S' : 'N');
    if (encrypts) client = await secure(socket, server.certificate);
  }
}

async function hasToken(options: TokenFrontOptions, client: Duplex, user: string): Promise<boolean> {
  client.write(askForPassword);
  const token = await readPassword(client);
  const reason = token === undefined ? 'no token came' : await options.verifyToken(user, token);
  if (reason !== undefined) options.onRefused?.(user, reason);
  return reason === undefined;
}

/** PostgreSQL's own text for a client that no line of pg_hba.conf lets in. */
function noRule(socket: Socket, user: string, database: string): string {
  return `no pg_hba.conf entry for host "${socket.remoteAddress}", user "${user}", database "${database}", no encryption`;
}

async function secure(socket: Socket, { certificate, key }: KeyPair): Promise<TLSSocket> {
  const client = new TLSSocket(socket, { isServer: true, cert: certificate, key });
  client.on('error', () => client.destroy());
  await new Promise<void>((resolve, reject) => {
    client.once('secure', resolve);
    client.once('close', () => reject(new Error('the client went away')));
  });
  return client;
}

/** Plain, from the address that the server's host rules know as the front's. */
function dialServer(server: FrontedServer): Socket {
  return connect({ host: server.address.host, port: 5432, localAddress: server.frontAddress.host });
}

/** A client may leave as soon as it has asked; the server closes when it has passed the signal on. */
function passCancel(client: Duplex, server: Socket, request: Buffer): void {
  server.once('close', () => client.destroy()).on('error', () => server.destroy());
  server.resume().end(request);
}

function pass(client: Duplex, server: Socket, first: Buffer): void {
  const end = () => {
    client.destroy();
    server.destroy();
  };
  for (const side of [client, server]) side.once('close', end).on('error', end);
  server.write(first);
  client.pipe(server);
  server.pipe(client);
}
