import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from '../../src/exec.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import { type Benchmark, bundlePeer, repository, withLibrary } from './bed.ts';
import { plainEnvironment } from './measure.ts';
import { median, type Pairs, pairedRatio } from './statistics.ts';
import type { Row } from './table.ts';

/** Where the system puts a session's server process makes a difference of some percent, so there are several of each. */
const sessions = 7;
const rounds = 16;
const queriesPerRound = 100;
const queries = {
  'select 1': 'select 1 as one',
  '100 rows': "select n as id, 'title ' || n as title, n % 2 = 0 as even from generate_series(1, 100) as n",
};

/** What the connection runtime costs for each query, against the bare driver. */
export const connection: Benchmark = {
  name: 'connection',
  method: `${sessions} processes, each ${rounds} rounds of ${queriesPerRound} queries through the generated project's runtime,
alternating with as many through the bare driver (pg's Client, psycopg's Connection with the same row factory) on a connection
of its own, both with TLS and SCRAM, to one server; the ratio is the median of all rounds. The 100 rows have an int, a text and a boolean, which both sides read the same way.`,
  async measure(bed) {
    const script = await bundlePeer(bed, 'query-rounds');
    const python = join(repository, '.venv/bin/python');
    const pythonPath = join(repository, 'templates/runtime-python');
    return withLibrary(await bed.project(), async (local) => {
      const env = { ...plainEnvironment(), ...(await functionEnvironment(local.slots.a, local.caFile)) };
      const rows: Row[] = [];
      for (const [title, sql] of Object.entries(queries)) {
        const found = await runRounds(process.execPath, [script], sql, env);
        rows.push(overheadRow(`connection runtime (Node), \`${title}\``, 'pg Client', found));
      }
      for (const [title, sql] of existsSync(python) ? Object.entries(queries) : []) {
        const peer = join(repository, 'test/bench/peers/query_rounds.py');
        const pythonEnv = { ...env, PYTHONPATH: pythonPath, PYTHONDONTWRITEBYTECODE: '1' };
        const found = await runRounds(python, [peer], sql, pythonEnv);
        rows.push(overheadRow(`connection runtime (Python), \`${title}\``, 'psycopg', found));
      }
      return rows;
    });
  },
};

async function runRounds(
  file: string,
  args: readonly string[],
  sql: string,
  env: Record<string, string>,
): Promise<Pairs<number, number>> {
  const found = { subject: [] as number[], peer: [] as number[] };
  for (let session = 0; session < sessions; session += 1) {
    const numbers = [rounds, queriesPerRound].map(String);
    const { stdout } = await execa(file, [...args, sql, ...numbers], { env, extendEnv: false });
    const { subject, peer } = JSON.parse(stdout) as Pairs<number, number>;
    found.subject.push(...subject);
    found.peer.push(...peer);
  }
  return found;
}

function overheadRow(subject: string, peerName: string, { subject: ours, peer }: Pairs<number, number>): Row {
  const ratio = pairedRatio(ours, peer);
  return {
    subject,
    n: sessions * rounds * queriesPerRound,
    measured: `${median(ours).toFixed(0)} µs`,
    peer: `${peerName} ${median(peer).toFixed(0)} µs`,
    ratio,
    goal: { text: '< 1.05', met: ratio < 1.05 },
  };
}
