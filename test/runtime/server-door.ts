import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** Stands before a real server and refuses logins in any words, as many as it is told; the others reach the server. */
export interface ServerDoor {
  readonly port: number;
  /** One for each of the next logins; 'hang-up' says nothing. */
  readonly refusals: (readonly [code: string, message: string] | 'hang-up')[];
  /** The last one is for all that come after it. */
  forever: boolean;
  /** Logins that came, refused ones included. */
  logins(): number;
  close(): Promise<void>;
}

/** @param tls the server's name and an authority that the clients trust */
export async function startServerDoor(
  target: { readonly host: string; readonly port: number },
  tls: { readonly cert: string; readonly key: string },
): Promise<ServerDoor> {
  const sockets = new Set<Socket>();
  let logins = 0;
  const server = createServer((near) => {
    sockets.add(near.on('error', () => {}));
    logins += 1;
    const last = door.forever && door.refusals.length === 1;
    const refusal = last ? door.refusals[0] : door.refusals.shift();
    if (refusal === undefined) return passOn(near);
    if (refusal === 'hang-up') return near.destroy();
    refuse(near, ...refusal).catch(() => near.destroy());
  });
  function passOn(near: Socket): void {
    const far = connect(target.port, target.host).on('error', () => near.destroy());
    sockets.add(far);
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  }
  async function refuse(near: Socket, code: string, message: string): Promise<void> {
    await once(near, 'data'); // SSLRequest
    near.write('S');
    const wire = new TLSSocket(near, { isServer: true, ...tls }).on('error', () => {});
    await once(wire, 'data'); // StartupMessage
    const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
    const head = Buffer.from('E0000');
    head.writeInt32BE(body.length + 4, 1);
    wire.end(Buffer.concat([head, body]));
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const door: ServerDoor = {
    ...{ port: (server.address() as AddressInfo).port, refusals: [], forever: false },
    logins: () => logins,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
  return door;
}
