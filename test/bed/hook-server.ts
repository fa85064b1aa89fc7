import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { HookCall, HookHandler } from './gate-types.ts';

/** Where the gate asks a test's hooks. */
export interface HookServer {
  /** Returns the URL of a new hook. */
  add(handler: HookHandler): string;
  close(): Promise<void>;
}

export async function startHookServer(): Promise<HookServer> {
  const handlers: HookHandler[] = [];
  const server = createServer(async (request, response) => {
    try {
      const call = JSON.parse(await text(request)) as HookCall;
      const handler = handlers[Number(request.url?.slice(1))]!;
      response.end(JSON.stringify((await handler(call)) ?? {}));
    } catch (error) {
      response.end(
        JSON.stringify({
          error: { code: 'HookFailed', message: String((error as Error).stack), status: 500 },
        }),
      );
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    add: (handler) => `http://127.0.0.1:${port}/${handlers.push(handler) - 1}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
