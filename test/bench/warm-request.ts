import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';
import { spawnProcess } from '../../src/exec.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import { type Bed, type Benchmark, bundlePeer, withLibrary } from './bed.ts';
import { startDevProcess } from './dev-process.ts';
import { serveProject } from './first-request.ts';
import { plainEnvironment } from './measure.ts';
import { pairedRatio, quantile } from './statistics.ts';
import { atMost, formatMs, type Row } from './table.ts';

const rounds = 120;
// Short, so that a connection that waits for its turn is not closed: Node's servers do that after 5 s.
const requestsPerRound = 25;

/** A served request whose environment is there already, against a server with pg in process. */
export const warmRequest: Benchmark = {
  name: 'warm-request',
  method: `GET /books?limit=2 one after the other on one kept connection, ${rounds} rounds of ${requestsPerRound} through
\`lambdapg dev --json\` alternating with as many to a bare Node server that runs the same query with pg in its own process
(no Lambda in between, no freeze). The ratios are medians over rounds; the first round does not count.`,
  async measure(bed) {
    const project = await bed.project();
    const dev = await startDevProcess(serveProject(project), project);
    try {
      return await withBareServer(bed, project, (bareUrl) => measureRounds(dev.url, bareUrl));
    } finally {
      await dev.stop();
    }
  },
};

async function measureRounds(url: string, bareUrl: string): Promise<Row[]> {
  const [ours, bare] = [keptClient(url), keptClient(bareUrl)];
  const found = { ours: [] as number[][], bare: [] as number[][] };
  for (let round = 0; round <= rounds; round += 1) {
    const [a, b] = [await ours.measure(requestsPerRound), await bare.measure(requestsPerRound)];
    if (round === 0) continue;
    found.ours.push(a);
    found.bare.push(b);
  }
  ours.close();
  bare.close();
  return [0.5, 0.99].map((share) => {
    const [mine, theirs] = [found.ours, found.bare].map((all) => all.map((round) => quantile(round, share)));
    const measured = quantile(found.ours.flat(), share);
    return {
      subject: `warm request through \`dev\`, p${share * 100}`,
      n: rounds * requestsPerRound,
      measured: formatMs(measured),
      peer: `bare http + pg ${formatMs(quantile(found.bare.flat(), share))}`,
      ratio: pairedRatio(mine ?? [], theirs ?? []),
      ...(share === 0.5 && { goal: atMost(measured, 3, ' ms') }),
    };
  });
}

/** A client with one connection that asks `count` times, one after the other. @returns milliseconds of each */
function keptClient(url: string): { measure(count: number): Promise<number[]>; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    async measure(count) {
      const times: number[] = [];
      for (let request = 0; request < count; request += 1) {
        const startedAt = performance.now();
        const [response] = await once(get(`${url}/books?limit=2`, { agent }), 'response');
        response.resume();
        await once(response, 'end');
        times.push(performance.now() - startedAt);
        if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
      }
      return times;
    },
    close: () => agent.destroy(),
  };
}

async function withBareServer<T>(bed: Bed, project: string, work: (url: string) => Promise<T>): Promise<T> {
  const script = await bundlePeer(bed, 'bare-server');
  return withLibrary(project, async (local) => {
    const env = { ...plainEnvironment(), ...(await functionEnvironment(local.slots.a, local.caFile)) };
    const child = spawnProcess(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('no pipe from the bare server');
    const exited = once(child, 'exit');
    try {
      const [url] = await once(createInterface(child.stdout), 'line');
      return await work(String(url));
    } finally {
      child.kill();
      await exited;
    }
  });
}
