import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** An address of this computer's loopback that nobody else in the bed has. */
export interface LoopbackAddress {
  readonly host: string;
  release(): void;
}

/** PostgreSQL's own port: an RDS name resolves to an address, never to a port. */
export const postgresPort = 5432;
/** Held open as the claim of an address, in every process of the bed. */
const claimPort = 15_432;
const attempts = 50;

/**
 * Claims an address out of 127.64.0.0/10 (Linux answers on all of 127.0.0.0/8). The claim is an open port, so that it
 * ends with the process, however that ends.
 */
export async function claimLoopbackAddress(): Promise<LoopbackAddress> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const host = `127.${randomInt(64, 128)}.${randomInt(0, 256)}.${randomInt(1, 255)}`;
    const claim = await tryListen(host, claimPort);
    if (claim === undefined) continue;
    const probe = await tryListen(host, postgresPort);
    probe?.close();
    if (probe !== undefined) return { host, release: () => claim.close() };
    claim.close();
  }
  throw new Error(
    `no loopback address with a free port ${postgresPort}: does a server listen on it on all addresses?`,
  );
}

async function tryListen(host: string, port: number): Promise<{ close(): void } | undefined> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    server.unref();
    return server;
  } catch {
    return undefined;
  }
}
