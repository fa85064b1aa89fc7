import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire between a client and a server that can be cut without either noticing. */
export interface TcpRelay {
  readonly port: number;
  /** From now on, what comes in on the connections that are open is thrown away; new connections work. */
  silence(): void;
  /** What the clients that are connected say now, or that they hang up, reaches the server only with `letGo`. */
  hold(): void;
  /** How often they said something that is held. */
  held(): number;
  letGo(): void;
  /** How many connections are over, on the server's side. */
  over(): number;
  close(): Promise<void>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  silent: boolean;
  /** Undefined unless what the client says is held; the last one is its end. */
  held: (Buffer | 'end')[] | undefined;
}

export async function startTcpRelay(
  listenHost: string,
  target: { host: string; port: number },
): Promise<TcpRelay> {
  const pairs = new Set<Pair>();
  let over = 0;
  const server = createServer((near) => {
    const far = connect(target.port, target.host);
    const pair: Pair = { near, far, silent: false, held: undefined };
    pairs.add(pair);
    const say = (bytes: Buffer | 'end'): void => {
      if (pair.held !== undefined) pair.held.push(bytes);
      else if (!pair.silent) tell(far, bytes);
    };
    near.on('data', say).on('error', () => {});
    near.on('close', () => say('end'));
    far.on('data', (bytes) => {
      if (!pair.silent) near.write(bytes);
    });
    far.on('error', () => {});
    far.on('close', () => {
      over += 1;
      if (!pair.silent) near.end();
    });
  });
  server.listen(0, listenHost);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    silence: () => {
      for (const pair of pairs) pair.silent = true;
    },
    hold: () => {
      for (const pair of pairs) pair.held ??= [];
    },
    held: () => [...pairs].flatMap(({ held = [] }) => held).filter((bytes) => bytes !== 'end').length,
    letGo: () => {
      for (const pair of pairs) {
        for (const bytes of pair.held ?? []) tell(pair.far, bytes);
        pair.held = undefined;
      }
    },
    over: () => over,
    close: async () => {
      server.close();
      for (const { near, far } of pairs) for (const socket of [near, far]) socket.destroy();
      await once(server, 'close');
    },
  };
}

function tell(far: Socket, bytes: Buffer | 'end'): void {
  if (bytes === 'end') far.end();
  else far.write(bytes);
}
