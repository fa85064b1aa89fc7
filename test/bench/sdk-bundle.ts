import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { slimSdk } from '../../scripts/slim-sdk.js';
import { type Benchmark, repository } from './bed.ts';
import type { Usage } from './measure.ts';
import { measurePairs, median, pairedRatio } from './statistics.ts';
import { formatMs, type Row } from './table.ts';

const n = 7;
const source = `import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
new EC2Client({ region: 'us-east-1' });
new DescribeVpcsCommand({});
`;

/** What one operation of the largest SDK client costs: as it is published, bundled, and as it is shipped. */
export const sdkBundle: Benchmark = {
  name: 'sdk-bundle',
  method: `A script that imports the EC2 client and one command, with the packages as npm installs them, against the same script bundled as
\`dist/\` is (minified, with scripts/slim-sdk.js); size is that of the bundle, with and without slim-sdk. CPU is user and system.`,
  async measure(bed) {
    const folder = join(bed.folder, 'sdk');
    const [installed, slim, whole] = await writeScripts(folder);
    const sizes = await Promise.all([slim, whole].map(async (file) => (await stat(file)).size / 1000));
    const run = (file: string) => () => bed.measure.run([process.execPath, file], { cwd: folder });
    const { subject, peer } = await measurePairs(n, run(slim), run(installed));
    const compare = (
      what: string,
      pick: (usage: Usage) => number,
      format: (value: number) => string,
    ): Row => ({
      subject: `EC2 client and one command, bundled: ${what}`,
      n,
      measured: format(median(subject.map(pick))),
      peer: `as installed ${format(median(peer.map(pick)))}`,
      ratio: pairedRatio(subject.map(pick), peer.map(pick)),
    });
    const [slimKb = 0, wholeKb = 0] = sizes;
    return [
      compare('CPU', ({ cpuMs }) => cpuMs, formatMs),
      compare(
        'peak memory',
        ({ peakMb }) => peakMb,
        (mb) => `${mb.toFixed(0)} MB`,
      ),
      {
        subject: 'EC2 client and one command, bundled: size',
        n: 1,
        measured: `${slimKb.toFixed(0)} kB`,
        peer: `without slim-sdk ${wholeKb.toFixed(0)} kB`,
        ratio: slimKb / wholeKb,
      },
    ];
  },
};

async function writeScripts(folder: string): Promise<[installed: string, slim: string, whole: string]> {
  await mkdir(folder);
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const installed = join(folder, 'installed.mjs');
  await writeFile(installed, source);
  const bundle = async (name: string, plugins: Plugin[]): Promise<string> => {
    const outfile = join(folder, name);
    await build({
      entryPoints: [installed],
      ...{ outfile, plugins, bundle: true, platform: 'node', format: 'esm', target: 'node20.19' },
      mainFields: ['module', 'main'],
      minifyWhitespace: true,
      minifySyntax: true,
      banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    });
    return outfile;
  };
  return [installed, await bundle('slim.mjs', [slimSdk]), await bundle('whole.mjs', [])];
}
