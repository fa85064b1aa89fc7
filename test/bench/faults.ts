import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { build } from 'esbuild';
import { execa } from '../../src/exec.ts';
import { ofSecret, type RuntimeBed, secretOf, startRuntimeBed } from '../runtime/runtime-bed.ts';
import { testAwsEnvironment } from '../runtime/secrets-endpoint.ts';
import { type Bed, type Benchmark, repository } from './bed.ts';
import { type FaultEnvironment, startFaultEnvironment } from './fault-environment.ts';
import { plainEnvironment } from './measure.ts';
import type { Row } from './table.ts';

const rounds = 6;
const callsPerRound = 3;
const stormSize = 150;
/** A function's timeout, and longer than any client's own patience. */
const limitMs = 20_000;
const peers = ['pg@8.23.1', 'postgres@3.4.9', 'serverless-postgres@2.1.2'];

/** Failed invocations while the server kills, changes passwords, or has no slots. */
export const faults: Benchmark = {
  name: 'faults',
  method: `One warm environment (a process) for each client, used as its documentation shows, with an error listener; ${rounds} rounds of a
fault between two invocations, then ${callsPerRound} invocations, which are counted where they fail, crash the environment, or take ${limitMs / 1000} s
(a crashed one is replaced). kill: the server ends the session while the event loop lives. frozen: the same while the process is
stopped. rotate: the password changes, and the session ends; a new environment has the new one; ours read a secret over HTTP, the
others their environment. storm: ${stormSize} environments at once (in one process) on 100 slots, which hold a slot for 300 ms and leave (6 s in Python,
whose threads are slower to come).`,
  async measure(bed) {
    const folder = await installPeers(bed);
    const fixture = await startRuntimeBed({ settings: { max_connections: '100' } });
    try {
      const rows: Row[] = [];
      const script = join(folder, 'fault-subjects.mjs');
      const python = join(repository, '.venv/bin/python');
      const pythonScript = join(repository, 'test/bench/peers/fault_subjects.py');
      for (const name of ['lambdapg', 'pg Client', 'pg Pool', 'postgres.js', 'serverless-postgres']) {
        const isOurs = name === 'lambdapg';
        const title = isOurs ? 'connection runtime (Node)' : `\`${name}\``;
        rows.push(await measureSubject(fixture, title, [process.execPath, script, name], isOurs));
      }
      for (const name of ['lambdapg', 'lambdapg engine', 'SQLAlchemy']) {
        const isOurs = name !== 'SQLAlchemy';
        const title = { lambdapg: 'connection runtime (Python)', 'lambdapg engine': 'its SQLAlchemy engine' }[
          name
        ];
        rows.push(
          await measureSubject(
            fixture,
            title ?? 'SQLAlchemy, defaults',
            [python, pythonScript, name],
            isOurs,
          ),
        );
      }
      return rows;
    } finally {
      await fixture.reset();
      await fixture.cleanUp();
    }
  },
};

/** The others' packages, which nothing else here needs. @returns a folder with them and the bundled script */
async function installPeers(bed: Bed): Promise<string> {
  const folder = join(bed.folder, 'fault-peers');
  await mkdir(folder);
  await execa('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, ...peers], { cwd: folder });
  await build({
    entryPoints: [join(repository, 'test/bench/peers/fault-subjects.ts')],
    outfile: join(folder, 'fault-subjects.mjs'),
    ...{ bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error' },
    external: ['pg', 'postgres', 'serverless-postgres'],
  });
  return folder;
}

type Fault = (environment: FaultEnvironment) => Promise<unknown>;

async function measureSubject(
  bed: RuntimeBed,
  title: string,
  argv: readonly [string, ...string[]],
  isOurs: boolean,
): Promise<Row> {
  const holdSeconds = argv[0] === process.execPath ? 0.3 : 6;
  let password = 'canary-0';
  const change = async (next: string): Promise<void> => {
    await bed.changePassword('library_a', next);
    bed.endpoint.secret = secretOf('library_a', next);
    password = next;
  };
  await change(password);
  const env = (): Record<string, string> => ({
    ...{ ...plainEnvironment(), ...bed.server },
    PYTHONPATH: join(repository, 'templates/runtime-python'),
    PYTHONDONTWRITEBYTECODE: '1',
    ...(isOurs
      ? { ...testAwsEnvironment, ...ofSecret, AWS_ENDPOINT_URL: bed.endpoint.url }
      : { PGUSER: bed.login.PGUSER ?? '', PGPASSWORD: password }),
  });
  const faultsByName: Record<string, Fault> = {
    kill: async () => {
      await bed.killBackends();
      // The client may notice, which is the point of it.
      await pause(100);
    },
    frozen: async (environment) => {
      environment.freeze();
      await bed.killBackends();
      environment.thaw();
    },
    rotate: async () => {
      await change(`canary-${Math.random()}`);
      await bed.killBackends();
      await pause(100);
    },
  };
  const failed: Record<string, number> = {};
  for (const [name, fault] of Object.entries(faultsByName)) {
    failed[name] = await measureFault(startFaultEnvironment(argv, env), fault);
    await bed.killBackends();
  }
  const storm = startFaultEnvironment(argv, env);
  failed.storm = await storm.call(`storm ${stormSize} ${holdSeconds}`, 60_000).finally(() => storm.stop());
  // Who died in it never said how many it served.
  await bed.killBackends();
  const sum = Object.values(failed).reduce((a, b) => a + b, 0);
  const counts = Object.entries(failed).map(([name, count]) => `${count} ${name}`);
  return {
    subject: `failed invocations: ${title}`,
    n: rounds * callsPerRound * 3 + stormSize,
    measured: counts.join(', '),
    ...(isOurs && { goal: { text: '0', met: sum === 0 } }),
  };
}

async function measureFault(environment: FaultEnvironment, fault: Fault): Promise<number> {
  let failed = 0;
  try {
    await environment.call('invoke', limitMs);
    for (let round = 0; round < rounds; round += 1) {
      await fault(environment);
      for (let call = 0; call < callsPerRound; call += 1) failed += await environment.call('invoke', limitMs);
    }
  } finally {
    await environment.stop();
  }
  return failed;
}
