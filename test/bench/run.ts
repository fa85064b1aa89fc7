import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Benchmark, makeBed, repository } from './bed.ts';
import { cloudCalls } from './cloud-calls.ts';
import { cloudStart } from './cloud-start.ts';
import { commandLine } from './command-line.ts';
import { connection } from './connection.ts';
import { connectionStart } from './connection-start.ts';
import { faults } from './faults.ts';
import { fromNothing, fromProject } from './first-request.ts';
import { measureIdle, waitForQuiet } from './idle.ts';
import { initPhase } from './init-phase.ts';
import { localProxy } from './local-proxy.ts';
import { presets } from './presets.ts';
import { describeMachine, type MeasuredPart, renderReport } from './report.ts';
import { rotation } from './rotation.ts';
import { scaffold } from './scaffold.ts';
import { sdkBundle } from './sdk-bundle.ts';
import { seeding } from './seeding.ts';
import { formatTable } from './table.ts';
import { warmRequest } from './warm-request.ts';

const benchmarks: readonly Benchmark[] = [
  commandLine,
  scaffold,
  fromNothing,
  fromProject,
  warmRequest,
  initPhase,
  connection,
  connectionStart,
  faults,
  presets,
  localProxy,
  seeding,
  rotation,
  cloudStart,
  cloudCalls,
  sdkBundle,
];

const usage = `npm run bench [-- [--when-quiet] [--write | <name>]]: one of ${benchmarks.map(({ name }) => name).join(', ')}`;

async function main(args: readonly string[]): Promise<void> {
  const write = args.includes('--write');
  const [filter = ''] = args.filter((arg) => !arg.startsWith('--'));
  const chosen = benchmarks.filter(({ name }) => name.includes(filter));
  if (chosen.length === 0 || (write && filter !== '')) {
    process.stderr.write(`${usage}\n`);
    process.exitCode = 2;
    return;
  }
  const machine = await describeMachine();
  const parts = await measureAll(chosen, args.includes('--when-quiet') ? waitForQuiet : measureIdle);
  process.stdout.write(`\n${formatTable(parts.flatMap((part) => part.rows))}\n`);
  if (!write) return;
  const file = join(repository, 'docs/benchmarks.md');
  await writeFile(file, renderReport(machine, parts));
  process.stdout.write(`\nwritten to ${file}\n`);
}

/** @param lookAround is asked before each part how idle the machine is */
async function measureAll(
  chosen: readonly Benchmark[],
  lookAround: () => Promise<number>,
): Promise<MeasuredPart[]> {
  const bed = await makeBed();
  try {
    const parts: MeasuredPart[] = [];
    for (const benchmark of chosen) {
      const idle = await lookAround();
      process.stderr.write(`${benchmark.name} (${Math.round(idle * 100)} % idle before)\n`);
      parts.push({ benchmark, idle, rows: await benchmark.measure(bed) });
    }
    return parts;
  } finally {
    await bed.close();
  }
}

await main(process.argv.slice(2));
