import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Secret } from '../../secret.ts';

/*
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) from both ends: the proxy is a server to its clients and a client of the database.
 * Channel binding is not offered: RDS Proxy ends TLS and opens another, so a bound login could not be passed on.
 */
export const scramMechanism = 'SCRAM-SHA-256';

const iterations = 4096;
const derive = promisify(pbkdf2);

interface Keys {
  readonly clientKey: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** The proxy as a server. */
export interface ScramServer {
  /** The server's first message, for the client's first. @throws Error when it is malformed */
  first(clientFirst: string): string;
  /** The server's final message, or undefined when the password was another. */
  final(clientFinal: string): Promise<string | undefined>;
}

export function scramServer(password: Secret): ScramServer {
  const salt = saltOf(password);
  let clientFirstBare = '';
  let serverFirst = '';
  let gs2Header = '';
  return {
    first(clientFirst) {
      const [, header, bare, nonce] = /^([ny],(?:a=[^,]*)?,)(n=[^,]*,r=([^,]+).*)$/.exec(clientFirst) ?? [];
      if (header === undefined || bare === undefined) throw new Error('malformed SCRAM message');
      gs2Header = header;
      clientFirstBare = bare;
      const ownNonce = randomBytes(18).toString('base64');
      serverFirst = `r=${nonce}${ownNonce},s=${salt.toString('base64')},i=${iterations}`;
      return serverFirst;
    },
    async final(clientFinal) {
      const [, bare = '', binding = '', nonce, proof] =
        /^((?:c=([^,]*),)r=([^,]*)),p=([^,]*)$/.exec(clientFinal) ?? [];
      if (nonce === undefined || !serverFirst.startsWith(`r=${nonce},`)) return undefined;
      if (Buffer.from(binding, 'base64').toString() !== gs2Header) return undefined;
      const keys = await deriveKeys(password, salt, iterations);
      const signed = `${clientFirstBare},${serverFirst},${bare}`;
      const given = Buffer.from(proof ?? '', 'base64');
      const signature = hmac(keys.storedKey, signed);
      if (given.length !== signature.length) return undefined;
      if (!timingSafeEqual(sha256(xor(given, signature)), keys.storedKey)) return undefined;
      return `v=${hmac(keys.serverKey, signed).toString('base64')}`;
    },
  };
}

/** The proxy as a client. */
export interface ScramClient {
  readonly first: string;
  /** The client's final message. @throws Error when the server's first one is malformed */
  final(serverFirst: string): Promise<string>;
  /** @throws Error when the server did not know the password either */
  verify(serverFinal: string): void;
}

export function scramClient(password: Secret): ScramClient {
  const nonce = randomBytes(18).toString('base64');
  const firstBare = `n=,r=${nonce}`;
  let expected = '';
  return {
    first: `n,,${firstBare}`,
    async final(serverFirst) {
      const [, serverNonce, salt, count] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? [];
      if (salt === undefined || !serverNonce?.startsWith(nonce)) throw new Error('malformed SCRAM message');
      const keys = await deriveKeys(password, Buffer.from(salt, 'base64'), Number(count));
      const bare = `c=biws,r=${serverNonce}`;
      const signed = `${firstBare},${serverFirst},${bare}`;
      expected = `v=${hmac(keys.serverKey, signed).toString('base64')}`;
      return `${bare},p=${xor(keys.clientKey, hmac(keys.storedKey, signed)).toString('base64')}`;
    },
    verify(serverFinal) {
      if (serverFinal !== expected) throw new Error('the database did not prove that it knows the password');
    },
  };
}

const salts = new WeakMap<Secret, Buffer>();
const remembered = new WeakMap<Secret, Map<string, Keys>>();

/** One for the life of a password, as a database has. */
function saltOf(password: Secret): Buffer {
  const salt = salts.get(password) ?? randomBytes(16);
  salts.set(password, salt);
  return salt;
}

/** Deriving is slow on purpose; the salt of a password stays the same, so each is derived once. */
async function deriveKeys(password: Secret, salt: Buffer, count: number): Promise<Keys> {
  const known = remembered.get(password) ?? new Map<string, Keys>();
  const id = `${salt.toString('base64')}:${count}`;
  const found = known.get(id);
  if (found !== undefined) return found;
  const salted = await derive(password.reveal().normalize('NFKC'), salt, count, 32, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  const keys = { clientKey, storedKey: sha256(clientKey), serverKey: hmac(salted, 'Server Key') };
  remembered.set(password, known.set(id, keys));
  return keys;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));
}
