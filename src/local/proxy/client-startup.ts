import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { type ByteSource, readBytes } from './byte-source.ts';
import { cancelCode, gssCode, message, readStrings, sslCode, uint32 } from './messages.ts';
import { proxyErrors } from './proxy-error.ts';
import { findSetting, type SessionSettings } from './session-settings.ts';

/** What a client said before its login. */
export interface ClientStart {
  readonly socket: Socket;
  readonly source: ByteSource;
  readonly tls: boolean;
  readonly user: string;
  readonly database: string;
  readonly settings: SessionSettings;
}

/** PostgreSQL's own limit (MAX_STARTUP_PACKET_LENGTH). */
const longestPacket = 10_000;

/**
 * Reads what a client sends before its login: TLS or not, who it is, what it sets. A cancel request has `cancel` instead.
 *
 * @param secure undefined when the proxy offers no TLS
 * @param onSocket is told the socket to answer on, as soon as it changes
 * @throws ProxyError for what RDS Proxy refuses
 */
export async function readClientStart(
  plain: Socket,
  secure: { readonly context: SecureContext; readonly required: boolean } | undefined,
  onSocket: (socket: Socket) => void,
): Promise<ClientStart | { readonly cancel: Buffer }> {
  let socket = plain;
  let source = readBytes(socket);
  for (;;) {
    const packet = await readPacket(source);
    const code = packet.readUInt32BE(0);
    if (code === cancelCode) return { cancel: packet.subarray(4) };
    if (code === sslCode && secure !== undefined && socket === plain) {
      // Bytes sent before the answer would be taken for encrypted ones (CVE-2021-23222).
      if (source.release().length > 0) throw new Error('data before the answer to a TLS request');
      socket = await startTls(plain, secure.context);
      onSocket(socket);
      source = readBytes(socket);
    } else if (code === sslCode || code === gssCode) socket.write('N');
    else {
      const tls = socket !== plain;
      if (secure?.required === true && !tls) throw proxyErrors.tlsRequired();
      return { socket, source, tls, ...parseStartup(packet, socket) };
    }
  }
}

async function readPacket(source: ByteSource): Promise<Buffer> {
  const length = (await source.read(4)).readUInt32BE(0);
  if (length < 8 || length > longestPacket) throw new Error('the bytes are no start-up packet');
  return source.read(length - 4);
}

async function startTls(plain: Socket, secureContext: SecureContext): Promise<Socket> {
  const socket = new TLSSocket(plain, { isServer: true, secureContext, ALPNProtocols: ['postgresql'] });
  socket.on('error', () => {});
  plain.write('S');
  await new Promise<void>((resolve, reject) => {
    socket.once('secure', resolve).once('error', reject);
    plain.once('close', () => reject(new Error('the connection was closed')));
  });
  return socket;
}

function parseStartup(packet: Buffer, socket: Socket): Pick<ClientStart, 'user' | 'database' | 'settings'> {
  if (packet.readUInt16BE(0) !== 3) throw proxyErrors.oldProtocol();
  const strings = readParameters(packet);
  const given = new Map<string, string>();
  const newer: string[] = [];
  const settings: Record<string, string> = {};
  for (let at = 0; at + 1 < strings.length; at += 2) {
    const [name = '', value = ''] = strings.slice(at, at + 2);
    const setting = findSetting(name);
    if (setting !== undefined) settings[setting] = value;
    else if (name.startsWith('_pq_.')) newer.push(name);
    else if (name === 'user' || name === 'database') given.set(name, value);
    else if (name === 'replication') refuseReplication(value);
    else if (name === 'options') refuseOptions(value);
    else throw proxyErrors.unknownOption(name);
  }
  if (packet.readUInt16BE(2) > 0 || newer.length > 0) socket.write(negotiateVersion(newer));
  const user = given.get('user') ?? '';
  if (user === '') throw proxyErrors.noUser();
  return { user, database: given.get('database') || user, settings };
}

/** Names and values; a value may be empty, a name ends the list. */
function readParameters(packet: Buffer): string[] {
  const found: string[] = [];
  for (let at = 4; at < packet.length; ) {
    const [name] = readStrings(packet, at);
    if (name === undefined) break;
    at += Buffer.byteLength(name) + 1;
    const end = packet.indexOf(0, at);
    if (end === -1) break;
    found.push(name, packet.toString('utf8', at, end));
    at = end + 1;
  }
  return found;
}

function refuseReplication(value: string): void {
  if (!/^(false|off|no|0)$/i.test(value)) throw proxyErrors.replication();
}

function refuseOptions(value: string): void {
  if (value.trim() !== '') throw proxyErrors.commandLineOptions();
}

/** Version 3.0 is the newest; none of these options is known. */
function negotiateVersion(options: readonly string[]): Buffer {
  return message('v', uint32(196_608), uint32(options.length), ...options);
}
