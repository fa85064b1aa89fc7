import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { findServer } from '../../src/local/postgres/find-server.ts';
import { testContext } from '../postgres-server.ts';
import { brokerVariable } from './bed.ts';
import { type GateProcess, startGateProcess } from './gate-process.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/**
 * One gate for all test files of a run, started when the first of them asks, so that unit tests do not pay for it.
 * The broker lives in vitest's main process because each test file runs in a process of its own.
 */
export default async function setUpGate(): Promise<() => Promise<void>> {
  let gate: Promise<GateProcess> | undefined;
  const broker = createServer((_request, response) => {
    gate ??= startGateProcess();
    gate.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve));
  process.env[brokerVariable] = `http://127.0.0.1:${(broker.address() as AddressInfo).port}`;
  // Whichever file comes first: a command line that is tested with a bare environment may not reach npm. Who needs a server
  // and has none will say so.
  await findServer(testContext(), repository, 17).catch(() => {});
  return async () => {
    broker.close();
    await (await gate)?.stop();
  };
}
