import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Benchmark, makeBed, repository } from './bed.ts';
import { commandLine } from './command-line.ts';
import { connection } from './connection.ts';
import { fromNothing, fromProject } from './first-request.ts';
import { initPhase } from './init-phase.ts';
import { describeMachine, renderReport } from './report.ts';
import { scaffold } from './scaffold.ts';
import { seeding } from './seeding.ts';
import { formatTable, type Row } from './table.ts';
import { warmRequest } from './warm-request.ts';

const benchmarks: readonly Benchmark[] = [
  commandLine,
  scaffold,
  fromNothing,
  fromProject,
  warmRequest,
  initPhase,
  connection,
  seeding,
];

const usage = `npm run bench [-- --write | <name>]: one of ${benchmarks.map(({ name }) => name).join(', ')}`;

async function main(args: readonly string[]): Promise<void> {
  const write = args.includes('--write');
  const [filter = ''] = args.filter((arg) => arg !== '--write');
  const chosen = benchmarks.filter(({ name }) => name.includes(filter));
  if (chosen.length === 0 || (write && filter !== '')) {
    process.stderr.write(`${usage}\n`);
    process.exitCode = 2;
    return;
  }
  const machine = await describeMachine();
  const rows = await measureAll(chosen);
  process.stdout.write(`\n${formatTable(rows)}\n`);
  if (!write) return;
  const file = join(repository, 'docs/benchmarks.md');
  await writeFile(file, renderReport(machine, benchmarks, rows));
  process.stdout.write(`\nwritten to ${file}\n`);
}

async function measureAll(chosen: readonly Benchmark[]): Promise<Row[]> {
  const bed = await makeBed();
  try {
    const rows: Row[] = [];
    for (const benchmark of chosen) {
      process.stderr.write(`${benchmark.name}\n`);
      rows.push(...(await benchmark.measure(bed)));
    }
    return rows;
  } finally {
    await bed.close();
  }
}

await main(process.argv.slice(2));
