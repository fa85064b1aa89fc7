import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** Refuses every login, in any server's words: also of those that cannot be had for a test. */
export interface RefusingPostgres {
  code: string;
  message: string;
  readonly port: number;
  /** The user of each login. */
  readonly users: string[];
  /** What each login sent as the password, where there is TLS. */
  readonly passwords: string[];
  close(): Promise<void>;
}

/** @param tls with it, a login has TLS and is asked for the password in clear, as RDS does for an IAM token */
export async function startRefusingPostgres(tls?: { cert: string; key: string }): Promise<RefusingPostgres> {
  const users: string[] = [];
  const passwords: string[] = [];
  const postgres = { port: 0, users, passwords, code: '', message: '' };
  const server = createServer((socket) => {
    converse(socket).catch(() => socket.destroy());
  });
  async function converse(socket: Socket): Promise<void> {
    let wire: Duplex = socket.on('error', () => {});
    if (tls !== undefined) {
      await nextBytes(wire); // SSLRequest
      socket.write('S');
      wire = new TLSSocket(socket, { isServer: true, ...tls }).on('error', () => {});
    }
    const startup = await nextBytes(wire);
    users.push(/\0user\0([^\0]*)\0/.exec(startup.toString('latin1'))?.[1] ?? '');
    if (tls !== undefined) {
      wire.write(message('R', Buffer.from([0, 0, 0, 3]))); // AuthenticationCleartextPassword
      passwords.push((await nextBytes(wire)).subarray(5, -1).toString());
    }
    wire.end(message('E', Buffer.from(`SFATAL\0VFATAL\0C${postgres.code}\0M${postgres.message}\0\0`)));
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  postgres.port = (server.address() as AddressInfo).port;
  return Object.assign(postgres, {
    close: async () => {
      server.close();
      await once(server, 'close');
    },
  });
}

const nextBytes = async (wire: Duplex): Promise<Buffer> => (await once(wire, 'data'))[0] as Buffer;

/** A message of PostgreSQL's protocol: its type, its length with these four bytes, its body. */
function message(type: string, body: Buffer): Buffer {
  const head = Buffer.from(`${type}0000`);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
