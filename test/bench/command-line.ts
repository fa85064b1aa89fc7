import { type Benchmark, builtCli } from './bed.ts';
import type { Usage } from './measure.ts';
import { measurePairs, median, pairedRatio } from './statistics.ts';
import { atMost, formatMs, type Row } from './table.ts';

const n = 21;
const goal = 3.5;

/** Start-up of the command line, against a Node that does nothing. */
export const commandLine: Benchmark = {
  name: 'command-line',
  method: `The built command line as a child process, alternating with \`node -e 0\`; wall time and CPU (user and system,
by wait4) from one small Python process.`,
  async measure({ measure, folder: cwd }) {
    const rows: Row[] = [];
    for (const flag of ['--version', '--help']) {
      const { subject, peer } = await measurePairs(
        n,
        () => measure.run([process.execPath, builtCli, flag], { cwd }),
        () => measure.run([process.execPath, '-e', '0'], { cwd }),
      );
      for (const [what, pick] of [
        ['wall', (usage: Usage) => usage.wallMs],
        ['CPU', (usage: Usage) => usage.cpuMs],
      ] as const) {
        const ratio = pairedRatio(subject.map(pick), peer.map(pick));
        rows.push({
          subject: `\`lambdapg ${flag}\`, ${what}`,
          n,
          measured: formatMs(median(subject.map(pick))),
          peer: `\`node -e 0\` ${formatMs(median(peer.map(pick)))}`,
          ratio,
          goal: atMost(ratio, goal),
        });
      }
    }
    return rows;
  },
};
