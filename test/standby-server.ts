import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, cp, mkdir, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { scramVerifier } from '../src/database/scram.ts';
import type { ConnectionTarget } from '../src/database/target.ts';
import { type Client, withClient } from '../src/database/with-client.ts';
import { clusterPaths, prepareStateDir } from '../src/local/postgres/cluster-paths.ts';
import { findServer } from '../src/local/postgres/find-server.ts';
import { quitServerProcess, stopPostmaster } from '../src/local/postgres/postmaster.ts';
import { giveTo, makeDataDir, placeBinaries } from '../src/local/postgres/reachable-place.ts';
import { chooseRunAs } from '../src/local/postgres/run-as.ts';
import { startServer } from '../src/local/postgres/start-server.ts';
import type { PostgresMajor } from '../src/project/postgres-packages.ts';
import { Secret } from '../src/secret.ts';
import { makeTempDir, type startTestPostgres, testContext } from './postgres-server.ts';

type Primary = Awaited<ReturnType<typeof startTestPostgres>>;

/** A real streaming replica of a test server, which takes reading sessions. */
export interface TestStandby {
  readonly port: number;
  /** The superuser there; other logins have the primary's passwords, as of what was replayed. */
  readonly admin: ConnectionTarget;
  /** The same login at the replica. */
  at(target: ConnectionTarget): ConnectionTarget;
  /** By how much it lags from now on. */
  setDelay(ms: number): Promise<void>;
  /** Nothing is replayed from when it has resolved until `resume`. A delay takes effect at some later time. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Until all that the primary has committed is replayed. */
  caughtUp(): Promise<void>;
  cleanUp(): Promise<void>;
}

const options = { applicationName: 'standby test' };
const replicator = 'replicator';

/**
 * The embedded servers bring no pg_basebackup, so the primary's files are copied between `pg_backup_start` and
 * `pg_backup_stop`; what was written meanwhile comes by streaming.
 *
 * @param delayMs `recovery_min_apply_delay`: commits are replayed so much later
 */
export async function startTestStandby(primary: Primary, { delayMs = 0 } = {}): Promise<TestStandby> {
  const { local } = primary;
  const context = testContext();
  const major = local.major as PostgresMajor;
  const projectDir = await makeTempDir();
  const paths = clusterPaths(projectDir, major);
  await prepareStateDir(paths);
  const password = new Secret('replication-password');
  await admitReplication(primary, password);
  const runAs = await chooseRunAs(context);
  await mkdir(paths.clusterDir, { mode: 0o711 });
  await mkdir(paths.usersDir);
  for (const name of ['credentials.json', 'ca.crt', 'ca.key']) {
    await cp(join(dirname(local.caFile), name), join(paths.clusterDir, name));
  }
  await makeDataDir(paths.dataDir, paths.clusterDir, runAs);
  await copyData(primary, await realpath(paths.dataDir));
  const signal = join(paths.dataDir, 'standby.signal');
  await writeFile(signal, '');
  await giveTo(runAs, signal);
  const binaries = await placeBinaries(await findServer(context, projectDir, major), runAs);
  const primaryConninfo = `host=localhost port=${local.port} user=${replicator} password=${password.reveal()} sslmode=require`;
  const settings = {
    fsync: 'off',
    hot_standby: 'on',
    primary_conninfo: primaryConninfo,
    recovery_min_apply_delay: `${delayMs}ms`,
    wal_receiver_status_interval: '1s',
    wal_retrieve_retry_interval: '100ms',
  };
  const server = await startServer(context, paths, binaries, { major, preferredPort: 0, settings });
  const kill = () => quitServerProcess(server.pid);
  process.once('exit', kill);
  const at = (target: ConnectionTarget): ConnectionTarget => ({ ...target, port: server.port });
  const admin = at(local.admin);
  return {
    port: server.port,
    admin,
    at,
    setDelay: (ms) =>
      withClient(admin, options, async (client) => {
        await client.query(`ALTER SYSTEM SET recovery_min_apply_delay = '${ms}ms'`);
        await client.query('SELECT pg_reload_conf()');
      }),
    pause: () => pauseReplay(admin),
    resume: () =>
      withClient(admin, options, async (client) => {
        await client.query('SELECT pg_wal_replay_resume()');
      }),
    caughtUp: () => waitForReplay(local.admin, admin),
    async cleanUp() {
      process.off('exit', kill);
      await stopPostmaster(server.pid, paths.dataDir, binaries.binDir);
      await rm(await realpath(paths.dataDir), { recursive: true, force: true });
      await rm(projectDir, { recursive: true, force: true });
    },
  };
}

/** lambdapg's host rules, written at every start, let nobody replicate. */
async function admitReplication({ local }: Primary, password: Secret): Promise<void> {
  await appendFile(
    join(local.dataDir, 'pg_hba.conf'),
    `hostssl replication ${replicator} 127.0.0.1/32 scram-sha-256\nhostssl replication ${replicator} ::1/128 scram-sha-256\n`,
  );
  await withClient(local.admin, options, async (client) => {
    const { rows } = await client.query(`SELECT FROM pg_roles WHERE rolname = '${replicator}'`);
    if (rows.length === 0) {
      await client.query(`CREATE ROLE ${replicator} LOGIN REPLICATION PASSWORD '${scramVerifier(password)}'`);
    }
    await client.query('SELECT pg_reload_conf()');
  });
}

async function copyData({ local }: Primary, dataDir: string): Promise<void> {
  await withClient(local.admin, options, async (client: Client) => {
    await client.query(`SELECT pg_backup_start('standby', true)`);
    // `cp -a` keeps owners and modes. Files that vanish meanwhile are made anew by the replay.
    const copy = spawn('cp', ['-a', `${await realpath(local.dataDir)}/.`, dataDir], { stdio: 'ignore' });
    await once(copy, 'exit');
    if (!existsSync(join(dataDir, 'global', 'pg_control'))) throw new Error('the data were not copied');
    const { rows } = await client.query<{ label: string }>(
      'SELECT labelfile AS label FROM pg_backup_stop(false)',
    );
    await empty(join(dataDir, 'pg_wal'));
    for (const name of ['postmaster.pid', 'postmaster.opts']) await rm(join(dataDir, name), { force: true });
    await writeFile(join(dataDir, 'backup_label'), rows[0]?.label ?? '', { mode: 0o600 });
    const owner = spawn('chown', ['--reference', join(dataDir, 'PG_VERSION'), join(dataDir, 'backup_label')]);
    await once(owner, 'exit');
  });
}

/** But for folders, which the server expects. */
async function empty(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (!entry.isDirectory()) await rm(join(dir, entry.name));
  }
}

async function pauseReplay(standby: ConnectionTarget): Promise<void> {
  await withClient(standby, options, async (client) => {
    await client.query('SELECT pg_wal_replay_pause()');
    for (;;) {
      const { rows } = await client.query<{ state: string }>(
        'SELECT pg_get_wal_replay_pause_state() AS state',
      );
      if (rows[0]?.state === 'paused') return;
      await sleep(20);
    }
  });
}

async function waitForReplay(primary: ConnectionTarget, standby: ConnectionTarget): Promise<void> {
  const lsnOf = (target: ConnectionTarget, text: string) =>
    withClient(
      target,
      options,
      async (client) => (await client.query<{ lsn: string }>(text)).rows[0]?.lsn ?? '',
    );
  const target = await lsnOf(primary, 'SELECT pg_current_wal_lsn() AS lsn');
  for (;;) {
    const done = await lsnOf(standby, `SELECT (pg_last_wal_replay_lsn() >= '${target}')::text AS lsn`);
    if (done === 'true') return;
    await sleep(50);
  }
}
