import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnProcess } from '../../src/exec.ts';
import { type Benchmark, builtCli } from './bed.ts';
import { getBooks, startDevProcess, type TimedEvent } from './dev-process.ts';
import { plainEnvironment } from './measure.ts';
import { measurePairs, median, pairedRatio } from './statistics.ts';
import { atMost, formatMs, type Row } from './table.ts';

const fromNothingRuns = 5;
const fromProjectRuns = 15;

/** Milliseconds by the name of the part. */
type Parts = Readonly<Record<string, number>>;

/** From `init` on a warm npm cache to the first answer. */
export const fromNothing: Benchmark = {
  name: 'from-nothing',
  method: `\`init my-api --yes --no-git\`, then \`npm run dev\` in it, then one GET with rows; npm's cache was filled by a run
that does not count. initdb and server start as \`dev --json\` tells them, init as the request's own event tells it.`,
  async measure(bed) {
    // Fills npm's cache.
    await bed.project();
    const runs: Parts[] = [];
    for (let run = 0; run < fromNothingRuns; run += 1) runs.push(await runFromNothing(bed.folder));
    return partRows('`init --yes` to HTTP 200', runs);
  },
};

async function runFromNothing(folder: string): Promise<Parts> {
  const directory = join(folder, 'from-nothing');
  const { writeMs, installMs } = await initProject(folder, directory);
  const argv = ['npm', 'run', '--silent', 'dev', '--', '--json', '--port', '0'];
  const dev = await startDevProcess(argv, directory);
  try {
    await getBooks(dev.url);
    const answeredMs = dev.elapsedMs();
    const parts = devParts(dev.events, await dev.until('request'), answeredMs);
    const total = writeMs + installMs + answeredMs;
    return { total, 'writing the project': writeMs, 'npm install': installMs, ...parts };
  } finally {
    await dev.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function initProject(cwd: string, directory: string): Promise<{ writeMs: number; installMs: number }> {
  const startedAt = performance.now();
  const args = [builtCli, 'init', directory, '--yes', '--no-git'];
  const child = spawnProcess(process.execPath, args, {
    cwd,
    env: plainEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let installingAt: number | undefined;
  child.stderr?.on('data', (chunk: Buffer) => {
    if (chunk.includes('installing packages')) installingAt ??= performance.now();
  });
  const [code] = await once(child, 'close');
  if (code !== 0 || installingAt === undefined) throw new Error(`init ended with ${code}`);
  return { writeMs: installingAt - startedAt, installMs: performance.now() - installingAt };
}

/** Where the time of a `dev` went, from its start to the answer. */
function devParts(events: readonly TimedEvent[], request: TimedEvent, answeredMs: number): Parts {
  const at = (type: string): number => events.find((event) => event.type === type)?.atMs ?? 0;
  const started = events.find((event) => event.type === 'postgres-ready');
  const initdbMs = Number(started?.initdbMs ?? 0);
  const startMs = Number(started?.startMs ?? 0);
  const initMs = Number(request.initMs);
  return {
    ...(initdbMs > 0 && { initdb: initdbMs }),
    'server start': startMs,
    'until the server is ready, without these': at('postgres-ready') - initdbMs - startMs,
    'server ready to functions served': at('ready') - at('postgres-ready'),
    'first Init phase': initMs,
    'rest of the first request': answeredMs - at('ready') - initMs,
  };
}

function partRows(title: string, runs: readonly Parts[], total: Partial<Row> = {}): Row[] {
  const n = runs.length;
  const medianOf = (part: string): number => median(runs.map((run) => run[part] ?? 0));
  return Object.keys(runs[0] ?? {}).map((part) =>
    part === 'total'
      ? { subject: title, n, measured: formatMs(medianOf(part)), ...total }
      : { subject: `– ${part}`, n, measured: formatMs(medianOf(part)) },
  );
}

/** From `dev` on a project that ran before to the first answer. */
export const fromProject: Benchmark = {
  name: 'from-project',
  method: `\`lambdapg dev\` (the project's own copy, without npm in front) on a migrated and seeded project whose server is
stopped, then one GET with rows; alternating with \`node -e 0\`. Then Ctrl-C, until the process has ended.`,
  async measure(bed) {
    const cwd = await bed.project();
    const stopsMs: number[] = [];
    const { subject, peer } = await measurePairs(
      fromProjectRuns,
      () => runFromProject(cwd, stopsMs),
      async () => (await bed.measure.run([process.execPath, '-e', '0'], { cwd })).wallMs,
    );
    const totals = subject.map((run) => run.total ?? Number.NaN);
    const rows = partRows('`dev` on an existing project to HTTP 200', subject, {
      peer: `\`node -e 0\` ${formatMs(median(peer))}`,
      ratio: pairedRatio(totals, peer),
      goal: atMost(median(totals), 1000, ' ms'),
    });
    // The first round does not count.
    const stopMs = median(stopsMs.slice(1));
    const goal = atMost(stopMs, 2000, ' ms');
    return [...rows, { subject: 'Ctrl-C to its end', n: fromProjectRuns, measured: formatMs(stopMs), goal }];
  },
};

async function runFromProject(project: string, stopsMs: number[]): Promise<Parts> {
  const dev = await startDevProcess(serveProject(project), project);
  try {
    await getBooks(dev.url);
    const total = dev.elapsedMs();
    return { total, ...devParts(dev.events, await dev.until('request'), total) };
  } finally {
    const stoppedAt = dev.elapsedMs();
    await dev.stop();
    stopsMs.push(dev.elapsedMs() - stoppedAt);
  }
}

/** The command line that was installed into a project. */
export function serveProject(project: string): string[] {
  const cli = join(project, 'node_modules/lambdapg/bin/run.js');
  return [process.execPath, cli, 'dev', '--json', '--port', '0'];
}
