import { execa } from '../../src/exec.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import { startPgBouncer } from '../local/proxy/pgbouncer.ts';
import { startProxyBed } from '../local/proxy/proxy-bed.ts';
import { type Benchmark, bundlePeer } from './bed.ts';
import { plainEnvironment } from './measure.ts';
import { median, type Pairs, pairedRatio } from './statistics.ts';
import type { Row } from './table.ts';

const sessions = 3;
const rounds = 16;
const queriesPerRound = 100;

/** What the local proxy adds to a query. There is no goal: RDS Proxy's own cost is another. */
export const localProxy: Benchmark = {
  name: 'local-proxy',
  method: `${sessions} processes, each ${rounds} rounds of ${queriesPerRound} parameterised queries with pg through the local RDS Proxy,
alternating with as many straight to the server, both with TLS and SCRAM; the same for PgBouncer. The ratio is the median of all rounds.`,
  async measure(bed) {
    const script = await bundlePeer(bed, 'proxy-rounds');
    const proxyBed = await startProxyBed();
    const { local } = proxyBed;
    const env = { ...plainEnvironment(), ...(await functionEnvironment(local.slots.a, local.caFile)) };
    try {
      const proxy = await proxyBed.startProxy();
      const bouncer = await startPgBouncer(proxyBed, 2);
      const ports = { 'local RDS Proxy': proxy.port, PgBouncer: bouncer.target.port };
      const rows: Row[] = [];
      for (const [title, port] of Object.entries(ports)) {
        const found = { subject: [] as number[], peer: [] as number[] };
        for (let session = 0; session < sessions; session += 1) {
          const args = [script, ...[port, local.port, rounds, queriesPerRound].map(String)];
          const { stdout } = await execa(process.execPath, args, { env, extendEnv: false });
          const { subject, peer } = JSON.parse(stdout) as Pairs<number, number>;
          found.subject.push(...subject);
          found.peer.push(...peer);
        }
        rows.push(overheadRow(`warm query through ${title}`, found.subject, found.peer));
      }
      await bouncer.stop();
      return rows;
    } finally {
      await proxyBed.cleanUp();
    }
  },
};

function overheadRow(subject: string, ours: number[], direct: number[]): Row {
  return {
    subject,
    n: sessions * rounds * queriesPerRound,
    measured: `${median(ours).toFixed(0)} µs`,
    peer: `direct ${median(direct).toFixed(0)} µs`,
    ratio: pairedRatio(ours, direct),
  };
}
