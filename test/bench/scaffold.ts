import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Benchmark, builtCli } from './bed.ts';
import { measurePairs, median, pairedRatio } from './statistics.ts';
import { formatMs } from './table.ts';

const n = 15;

/** Generating the default project, against copying the same files. */
export const scaffold: Benchmark = {
  name: 'scaffold',
  method: `\`init --yes --no-install --no-git\` of the default project (with the packed command line in it, as an
unpublished lambdapg has to), alternating with \`cp -r\` of what it made.`,
  async measure({ measure, folder }) {
    const model = join(folder, 'scaffold-model');
    const made = join(folder, 'scaffold-made');
    const init = (directory: string): string[] => [
      ...[process.execPath, builtCli, 'init', directory],
      ...['--yes', '--no-install', '--no-git'],
    ];
    await measure.run(init(model), { cwd: folder });
    const fresh = async (argv: readonly string[]): Promise<number> => {
      await rm(made, { recursive: true, force: true });
      return (await measure.run(argv, { cwd: folder })).wallMs;
    };
    const { subject, peer } = await measurePairs(
      n,
      () => fresh(init(made)),
      () => fresh(['cp', '-r', model, made]),
    );
    await rm(made, { recursive: true, force: true });
    await rm(model, { recursive: true });
    return [
      {
        subject: '`init --yes --no-install --no-git`',
        n,
        measured: formatMs(median(subject)),
        peer: `\`cp -r\` of the same files ${formatMs(median(peer))}`,
        ratio: pairedRatio(subject, peer),
      },
    ];
  },
};
