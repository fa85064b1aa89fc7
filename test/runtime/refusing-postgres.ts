import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Refuses every login, without TLS, in any server's words: also of those that cannot be had for a test. */
export interface RefusingPostgres {
  code: string;
  message: string;
  readonly port: number;
  /** The user of each login. */
  readonly users: string[];
  close(): Promise<void>;
}

export async function startRefusingPostgres(): Promise<RefusingPostgres> {
  const postgres = { port: 0, users: [] as string[], code: '', message: '' };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (startup) => {
      const { code, message, users } = postgres;
      users.push(/\0user\0([^\0]*)\0/.exec(startup.toString('latin1'))?.[1] ?? '');
      const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
      const head = Buffer.from('E0000');
      head.writeInt32BE(fields.length + 4, 1);
      socket.end(Buffer.concat([head, fields]));
    });
  });
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
