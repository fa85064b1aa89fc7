import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { spawnProcess } from '../../src/exec.ts';
import { type Benchmark, builtCli } from './bed.ts';
import { plainEnvironment } from './measure.ts';
import { measurePairs, median, pairedRatio } from './statistics.ts';
import { atMost, formatMs, type Row } from './table.ts';

const n = 15;
const startGoal = 3.5;
const firstCallGoal = 8;

/** Commands that load no SDK, however many commands of the cloud there are beside them. */
const withoutSdk = ['init --help', 'status --help', 'provision --help'];

/** Start-up of the cloud's commands. */
export const cloudStart: Benchmark = {
  name: 'cloud-start',
  method: `As command-line. "To its first call" is from the start of the process to the first request that reaches a local HTTP server in
AWS's place, with credentials in the environment, alternating with \`node -e 0\` to its end.`,
  async measure(bed) {
    const rows: Row[] = [];
    const cwd = await bed.project();
    const node = () => bed.measure.run([process.execPath, '-e', '0'], { cwd });
    for (const command of withoutSdk) {
      const { subject, peer } = await measurePairs(
        n,
        () => bed.measure.run([process.execPath, builtCli, ...command.split(' ')], { cwd }),
        node,
      );
      const [ours, theirs] = [subject, peer].map((side) => side.map(({ wallMs }) => wallMs));
      rows.push(startRow(`\`lambdapg ${command}\`, wall`, ours ?? [], theirs ?? [], startGoal));
    }
    for (const command of ['status', 'provision --plan']) {
      const { subject, peer } = await measurePairs(n, () => timeToFirstCall(cwd, command.split(' ')), node);
      const theirs = peer.map(({ wallMs }) => wallMs);
      rows.push(startRow(`\`lambdapg ${command}\` to its first call`, subject, theirs, firstCallGoal));
    }
    return rows;
  },
};

function startRow(subject: string, ours: readonly number[], node: readonly number[], goal: number): Row {
  const ratio = pairedRatio(ours, node);
  return {
    subject,
    n,
    measured: formatMs(median(ours)),
    peer: `\`node -e 0\` ${formatMs(median(node))}`,
    ratio,
    goal: atMost(Number(ratio.toFixed(2)), goal),
  };
}

async function timeToFirstCall(cwd: string, args: readonly string[]): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const env = {
    ...plainEnvironment(),
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'example' },
  };
  const began = performance.now();
  const child = spawnProcess(process.execPath, [builtCli, ...args, '--no-prices'], {
    cwd,
    env,
    stdio: 'ignore',
  });
  try {
    await once(server, 'request');
    return performance.now() - began;
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
    server.closeAllConnections();
    server.close();
  }
}
