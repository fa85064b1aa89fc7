import { stat } from 'node:fs/promises';
import { ofSecret, secretOf, startRuntimeBed } from '../runtime/runtime-bed.ts';
import { testAwsEnvironment } from '../runtime/secrets-endpoint.ts';
import { type Benchmark, bundlePeer } from './bed.ts';
import { plainEnvironment, type Usage } from './measure.ts';
import { measurePairs, median, pairedRatio } from './statistics.ts';
import { atMost, formatMs, type Row } from './table.ts';

const n = 15;

/** What the connection runtime costs a cold start, against pg alone and against pg with the SDK. */
export const connectionStart: Benchmark = {
  name: 'start-of-connection',
  method: `A process of one bundled file, from its start to its end: importing alone, and until one row came, with TLS and SCRAM. Ours and
the SDK's client read a secret over HTTP from this machine; pg alone has the password in its environment. In turn with pg alone.`,
  async measure(bed) {
    const fixture = await startRuntimeBed();
    const { PGUSER = '', PGPASSWORD = '' } = fixture.login;
    fixture.endpoint.secret = secretOf(PGUSER, PGPASSWORD);
    const aws = { ...testAwsEnvironment, ...ofSecret, AWS_ENDPOINT_URL: fixture.endpoint.url };
    const plain = { ...plainEnvironment(), ...fixture.server };
    const scripts = {
      ours: { file: await bundlePeer(bed, 'start-runtime'), env: { ...plain, ...aws } },
      sdk: { file: await bundlePeer(bed, 'start-sdk'), env: { ...plain, ...aws } },
      pg: { file: await bundlePeer(bed, 'start-pg'), env: { ...plain, PGUSER, PGPASSWORD } },
    };
    type Name = keyof typeof scripts;
    const run = (name: Name, until: string) => (): Promise<Usage> => {
      const { file, env } = scripts[name];
      return bed.measure.run([process.execPath, file, until], { cwd: bed.folder, env });
    };
    const compare = async (title: string, name: Name, until: string, limit?: number): Promise<Row> => {
      const { subject, peer } = await measurePairs(n, run(name, until), run('pg', until));
      const [ours, theirs] = [subject.map(({ wallMs }) => wallMs), peer.map(({ wallMs }) => wallMs)];
      const ratio = pairedRatio(ours, theirs);
      return {
        ...{ subject: title, n, measured: formatMs(median(ours)), ratio },
        peer: `pg alone ${formatMs(median(theirs))}`,
        ...(limit !== undefined && { goal: atMost(ratio, limit) }),
      };
    };
    const size = async (title: string, name: Name): Promise<Row> => {
      const [ours = 0, theirs = 1] = await Promise.all(
        ([name, 'pg'] as const).map(async (one) => (await stat(scripts[one].file)).size / 1000),
      );
      const peer = `pg alone ${theirs.toFixed(0)} kB`;
      return { subject: title, n: 1, measured: `${ours.toFixed(0)} kB`, peer, ratio: ours / theirs };
    };
    try {
      return [
        await compare('connection runtime with a secret: import', 'ours', 'import'),
        await compare('connection runtime with a secret: to the first row', 'ours', 'row', 1.25),
        await size('connection runtime: bundle', 'ours'),
        await compare("pg with the SDK's client: import", 'sdk', 'import'),
        await compare("pg with the SDK's client: to the first row", 'sdk', 'row'),
        await size("pg with the SDK's client: bundle", 'sdk'),
      ];
    } finally {
      await fixture.cleanUp();
    }
  },
};
