import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire between a client and a server that can be cut without either noticing. */
export interface TcpRelay {
  readonly port: number;
  /** From now on, what comes in on the connections that are open is thrown away; new connections work. */
  silence(): void;
  close(): Promise<void>;
}

export async function startTcpRelay(
  listenHost: string,
  target: { host: string; port: number },
): Promise<TcpRelay> {
  const pairs = new Set<{ silent: boolean; readonly sockets: readonly Socket[] }>();
  const server = createServer((near) => {
    const far = connect(target.port, target.host);
    const pair = { silent: false, sockets: [near, far] };
    pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => {
        if (!pair.silent) to.write(bytes);
      });
      from.on('error', () => {});
      from.on('close', () => {
        if (!pair.silent) to.destroy();
      });
    }
  });
  server.listen(0, listenHost);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    silence: () => {
      for (const pair of pairs) pair.silent = true;
    },
    close: async () => {
      server.close();
      for (const { sockets } of pairs) for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
