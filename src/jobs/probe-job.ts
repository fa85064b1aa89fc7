import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import type { Job } from '../database/route.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { withClient } from '../database/with-client.ts';
import { errorCode, errorMessage } from '../errors.ts';

export type ProbeStage = 'credentials' | 'dns' | 'tcp' | 'tls' | 'login' | 'query';

export interface ProbeStep {
  readonly stage: ProbeStage;
  readonly ok: boolean;
  readonly durationMs: number;
  /** Addresses, the protocol, the server's version; or what went wrong, in the vendor's words. */
  readonly detail: string;
  /** Of the failure: `ENOTFOUND`, `ETIMEDOUT`, `28P01`. */
  readonly code?: string;
}

export interface ProbeInput {
  /** For each step. */
  readonly timeoutMs: number;
}

export interface ProbeOutput {
  readonly ok: boolean;
  /** In order; those after a failure are missing. */
  readonly steps: readonly ProbeStep[];
}

/**
 * How far the way to the database goes, each step timed on its own: name, connection, TLS (none for a target without it),
 * login (a whole new connection, as a driver makes it), `SELECT 1`. Never throws for what is on the way.
 */
export const probeJob: Job<ProbeInput, ProbeOutput> = {
  name: 'probe',
  async work(_context, target, { timeoutMs }) {
    const steps: ProbeStep[] = [];
    const probe = { steps, timeoutMs };
    const address = await step(probe, 'dns', () => resolve(target.host));
    if (address === undefined) return { ok: false, steps };
    const socket = await step(probe, 'tcp', (signal) => openSocket(address, target.port, signal));
    if (socket === undefined) return { ok: false, steps };
    if (target.tls !== false) {
      const spoken = await step(probe, 'tls', (signal) => speakTls(socket, target, signal));
      socket.destroy();
      if (spoken === undefined) return { ok: false, steps };
    }
    socket.destroy();
    await logIn(probe, target);
    return { ok: steps.every(({ ok }) => ok), steps };
  },
};

interface Probe {
  readonly steps: ProbeStep[];
  readonly timeoutMs: number;
}

interface Found<T> {
  readonly value: T;
  readonly detail: string;
}

async function step<T>(
  probe: Probe,
  stage: ProbeStage,
  work: (signal: AbortSignal) => Promise<Found<T>>,
): Promise<T | undefined> {
  const startedAt = performance.now();
  const durationMs = () => Math.round((performance.now() - startedAt) * 10) / 10;
  const limit = AbortSignal.timeout(probe.timeoutMs);
  try {
    const { value, detail } = await Promise.race([work(limit), rejectOn(limit)]);
    probe.steps.push({ stage, ok: true, durationMs: durationMs(), detail });
    return value;
  } catch (error) {
    const code = limit.aborted ? 'ETIMEDOUT' : errorCode(error);
    const detail = limit.aborted ? `no answer within ${probe.timeoutMs} ms` : errorMessage(error);
    probe.steps.push({
      stage,
      ok: false,
      durationMs: durationMs(),
      detail,
      ...(code !== undefined && { code }),
    });
    return undefined;
  }
}

/** A name look-up knows no signal. */
function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

async function resolve(host: string): Promise<Found<string>> {
  const addresses = (await lookup(host, { all: true })).map(({ address }) => address);
  return { value: addresses[0] ?? host, detail: addresses.join(', ') };
}

async function openSocket(address: string, port: number, signal: AbortSignal): Promise<Found<Socket>> {
  const socket = connect({ host: address, port });
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  await once(socket, 'connect', { signal });
  socket.on('error', () => {});
  return { value: socket, detail: `${address}:${port}` };
}

/** The length of the message and 80877103: https://www.postgresql.org/docs/current/protocol-message-formats.html (SSLRequest). */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

async function speakTls(socket: Socket, target: ConnectionTarget, signal: AbortSignal): Promise<Found<true>> {
  socket.write(sslRequest);
  const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
  if (answer.toString('latin1', 0, 1) !== 'S') throw new Error('the server offers no TLS');
  const { ca, name = target.host } = target.tls === false ? {} : target.tls;
  const secure = connectTls({
    socket,
    host: name,
    ...(ca !== undefined && { ca }),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  });
  await once(secure, 'secureConnect', { signal });
  return {
    value: true,
    detail: `${secure.getProtocol()}, ${secure.getPeerCertificate().subject?.CN ?? name}`,
  };
}

async function logIn(probe: Probe, target: ConnectionTarget): Promise<void> {
  const options = { applicationName: 'lambdapg probe', connectTimeoutMs: probe.timeoutMs };
  let query: ProbeStep | undefined;
  await step(probe, 'login', () =>
    withClient(target, options, async (client) => {
      const inner: Probe = { steps: [], timeoutMs: probe.timeoutMs };
      await step(inner, 'query', async () => {
        const { rows } = await client.query<{ version: string }>(
          `SELECT 1, current_setting('server_version') AS version`,
        );
        return { value: true, detail: `PostgreSQL ${rows[0]?.version}` };
      });
      query = inner.steps[0];
      return { value: true, detail: target.user };
    }),
  );
  if (query !== undefined) probe.steps.push(query);
}
