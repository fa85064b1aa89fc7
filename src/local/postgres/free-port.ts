import { once } from 'node:events';
import { createServer } from 'node:net';
import { UserError } from '../../errors.ts';

/** `localhost` is either of these, by the system's choice: the server listens on both. */
export const loopbackAddresses = ['127.0.0.1', '::1'] as const;

const attempts = 200;

/** The addresses of this computer's loopback; some containers have no IPv6. */
export async function findLoopback(): Promise<string[]> {
  const found: string[] = [];
  for (const host of loopbackAddresses) {
    if ((await tryListen(0, host)).kind === 'free') found.push(host);
  }
  return found;
}

/**
 * The first port at or after `preferred` that is free on all `hosts`; with 0, any free one. Another process may take it
 * before the server does.
 *
 * @throws UserError NO_FREE_PORT
 */
export async function findFreePort(preferred: number, hosts: readonly string[]): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const wanted = preferred === 0 ? 0 : preferred + attempt;
    if (wanted > 65_535) break;
    const port = await freeOnAll(wanted, hosts);
    if (port !== undefined) return port;
  }
  throw new UserError('NO_FREE_PORT', `no free port from ${preferred} on`, {
    suggestions: ['choose another with --pg-port'],
  });
}

async function freeOnAll(wanted: number, hosts: readonly string[]): Promise<number | undefined> {
  let port = wanted;
  for (const host of hosts) {
    const tried = await tryListen(port, host);
    if (tried.kind === 'busy') return undefined;
    port = tried.port;
  }
  return port;
}

async function tryListen(
  port: number,
  host: string,
): Promise<{ kind: 'free'; port: number } | { kind: 'busy' }> {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
    const address = server.address();
    return { kind: 'free', port: typeof address === 'object' && address !== null ? address.port : port };
  } catch {
    return { kind: 'busy' };
  } finally {
    server.close();
  }
}
