import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { execa } from '../../src/exec.ts';
import { type Benchmark, repository } from './bed.ts';
import { formatTable, type Row } from './table.ts';

/** Where and when the figures were taken; read before the first measurement. */
export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly description: string;
  /** Of the minute before the run: what else the machine did. */
  readonly load: number;
}

export interface MeasuredPart {
  readonly benchmark: Benchmark;
  /** Share of the processors' time that nobody used right before, 0 to 1. */
  readonly idle: number;
  readonly rows: readonly Row[];
}

export async function describeMachine(): Promise<Machine> {
  const { stdout: commit } = await execa('git', ['describe', '--always', '--dirty'], { cwd: repository });
  const { stdout: npm } = await execa('npm', ['--version'], { cwd: repository });
  const [processor] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit,
    description: `Node ${process.version}, npm ${npm}, ${type()} ${release()} (${process.arch}), ${cpus().length} cores of ${processor?.model ?? 'an unknown processor'}, ${memory}`,
    load: loadavg()[0] ?? Number.NaN,
  };
}

/** The text of docs/benchmarks.md. */
export function renderReport(machine: Machine, parts: readonly MeasuredPart[]): string {
  const methods = parts.map(
    ({ benchmark, idle }) =>
      `* **${benchmark.name}** (machine ${Math.round(idle * 100)} % idle right before): ${benchmark.method}`,
  );
  return `# Benchmarks

Written by \`npm run bench -- --when-quiet --write\`; \`npm run bench -- <name>\` measures one part.

* ${machine.date} UTC, commit ${machine.commit}
* ${machine.description}
* load average before the run: ${machine.load.toFixed(2)}

${formatTable(parts.flatMap((part) => part.rows))}

## How to read it

* Medians. Where there is a peer, both are measured in turn, in the same run, each going first every other time after a round
  that does not count; the ratio is the median of the ratios of the pairs. Compare ratios, not times: on a shared machine the
  time of one command moves by a fifth from run to run, and both halves of a pair move together.
* n is the number of measurements of each side. p99 of a run this short is an indication, no more.
* Everything is on one machine and on its loopback: no network, no cloud. Lambda's own timings are others.
* A goal that is not met is a number to work on, never a failed run.

## How it was measured

${methods.join('\n')}
`;
}
