import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import type { ConnectionTarget } from '../../database/target.ts';
import type { Secret } from '../../secret.ts';
import { type ByteSource, readBytes, readMessage } from './byte-source.ts';
import { message, readFields, readStrings, sslRequest, startupMessage, uint32 } from './messages.ts';
import { ProxyError } from './proxy-error.ts';
import { scramClient, scramMechanism } from './scram.ts';

/** Where the database is. */
export type ProxyTarget = Pick<ConnectionTarget, 'host' | 'port' | 'tls'>;

/** As whom the proxy logs in, and where to. */
export interface DatabaseLogin {
  readonly user: string;
  readonly database: string;
  /** A function is asked once per connection (IAM tokens). */
  readonly password?: ConnectionTarget['password'];
}

/** A session of the database that is ready for its first query. */
export interface LoggedIn {
  readonly socket: Socket;
  /** Process id and secret, as a cancel request sends them. */
  readonly key: Buffer;
  readonly parameters: Map<string, string>;
  /** What came after the login. */
  readonly rest: Buffer;
}

const connectLimitMs = 10_000;
const loginLimitMs = 10_000;

/** @throws ProxyError with the database's SQLSTATE and text; Error for everything on the way to it */
export async function logIn(target: ProxyTarget, login: DatabaseLogin): Promise<LoggedIn> {
  const socket = await connectToDatabase(target);
  const limit = setTimeout(() => socket.destroy(), loginLimitMs);
  try {
    const { user, database } = login;
    socket.write(startupMessage({ user, database }));
    const source = readBytes(socket);
    await authenticate(source, socket, login);
    const facts = await readUntilReady(source);
    return { socket, ...facts, rest: source.release() };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(limit);
  }
}

/** A TCP connection, with TLS inside when the target has it. The chain and the name are always verified. */
export async function connectToDatabase({ host, port, tls }: ProxyTarget): Promise<Socket> {
  const socket = connectTcp({ host, port, noDelay: true });
  socket.on('error', () => {});
  const limit = setTimeout(() => socket.destroy(new Error('the database did not answer')), connectLimitMs);
  try {
    await once(socket, 'connect');
    if (tls === false) return socket;
    socket.write(sslRequest());
    const source = readBytes(socket);
    const answer = (await source.read(1)).toString();
    if (answer !== 'S' || source.release().length > 0) throw new Error('the database does not speak TLS');
    const name = tls.name ?? host;
    const secured = connectTls({
      socket,
      ...(tls.ca !== undefined && { ca: tls.ca }),
      ...(isIP(name) === 0 && { servername: name }),
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    });
    secured.on('error', () => {});
    await once(secured, 'secureConnect');
    return secured;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(limit);
  }
}

async function authenticate(source: ByteSource, socket: Socket, login: DatabaseLogin): Promise<void> {
  const given = login.password;
  const password = typeof given === 'function' ? await given() : given;
  for (;;) {
    const { type, body } = await readMessage(source);
    if (type === 'E') throw databaseError(body);
    if (type !== 'R') continue;
    const code = body.readUInt32BE(0);
    if (code === 0) return;
    if (password === undefined) throw new ProxyError('28000', `no password for the role ${login.user}`);
    if (code === 3) socket.write(message('p', password.reveal()));
    else if (code === 5) socket.write(message('p', md5Answer(login.user, password, body.subarray(4, 8))));
    else if (code === 10 && readStrings(body, 4).includes(scramMechanism))
      await answerScram(source, socket, password);
    else throw new ProxyError('28000', `authentication method ${code} is not supported`);
  }
}

async function answerScram(source: ByteSource, socket: Socket, password: Secret): Promise<void> {
  const scram = scramClient(password);
  const first = Buffer.from(scram.first);
  socket.write(message('p', scramMechanism, uint32(first.length), first));
  const serverFirst = await readSasl(source, 11);
  socket.write(message('p', Buffer.from(await scram.final(serverFirst))));
  scram.verify(await readSasl(source, 12));
}

async function readSasl(source: ByteSource, code: number): Promise<string> {
  const { type, body } = await readMessage(source);
  if (type === 'E') throw databaseError(body);
  if (type !== 'R' || body.readUInt32BE(0) !== code) throw new Error('unexpected answer to a SCRAM message');
  return body.toString('utf8', 4);
}

function md5Answer(user: string, password: Secret, salt: Buffer): string {
  const md5 = (...parts: (string | Buffer)[]): string => {
    const hash = createHash('md5');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  };
  return `md5${md5(md5(password.reveal(), user), salt)}`;
}

async function readUntilReady(source: ByteSource): Promise<Pick<LoggedIn, 'key' | 'parameters'>> {
  const parameters = new Map<string, string>();
  let key: Buffer = Buffer.alloc(8);
  for (;;) {
    const { type, body } = await readMessage(source);
    if (type === 'E') throw databaseError(body);
    if (type === 'K') key = Buffer.from(body);
    if (type === 'S') rememberParameter(parameters, body);
    if (type === 'Z') return { key, parameters };
  }
}

/** From a ParameterStatus message. */
export function rememberParameter(parameters: Map<string, string>, body: Buffer): void {
  const end = body.indexOf(0);
  parameters.set(body.toString('utf8', 0, end), body.toString('utf8', end + 1, body.length - 1));
}

/** From an ErrorResponse. */
export function databaseError(body: Buffer): ProxyError {
  const fields = readFields(body);
  return new ProxyError(fields.get('C') ?? 'XX000', fields.get('M') ?? 'unknown error');
}
