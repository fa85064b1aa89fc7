import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Bed } from '../bed/bed.ts';
import { emptyFolder } from './cli.ts';
import { type CloudBed, startCloudBed } from './cloud-bed.ts';

/** Text of one place where no secret may be, by its name. */
type Places = Map<string, string>;

test('no secret shows: output, files, arguments, requests, functions, logs, SQL', async () => {
  const cloud = await startCloudBed();
  const places: Places = new Map();
  const own = await emptyFolder();
  const env = { LAMBDAPG_CACHE_DIR: join(own, 'cache'), TMPDIR: join(own, 'tmp') };
  await mkdir(env.TMPDIR);
  const run = async (...args: string[]): Promise<void> => {
    const { exitCode, stdout, stderr, json } = await cloud.run(...args, { env });
    expect([0, 3], `${args.join(' ')}: ${stderr}`).toContain(exitCode);
    if (args.includes('--json')) {
      json();
      expect(stderr).toBe('');
    }
    places.set(args.join(' '), stdout + stderr);
  };
  const watched = watchArguments();
  try {
    await run('provision', '--yes', '--no-prices', '--proxy', '--runner');
    const server = cloud.plane.databases.find('instance', 'shop-dev-db')?.server;
    if (server === undefined) throw new Error('there is no database');
    await server.asAdmin(async (client) => {
      await client.query("ALTER SYSTEM SET log_statement = 'all'");
      await client.query('SELECT pg_reload_conf()');
    });
    await run('migrate', '--stage', 'dev');
    await run('seed', '--stage', 'dev', '--json');
    await run('psql', '--stage', 'dev', '-c', 'SELECT count(*) FROM books');
    await run('psql', '--stage', 'dev', '--route', 'runner', '--json', '-c', 'SELECT count(*) FROM books');
    await run('deploy', '--yes');
    await run('invoke', 'api', 'GET /books?limit=1', '--stage', 'dev', '--json');
    await run('status', '--no-prices');
    await run('status', '--no-prices', '--json');
    await run('provision', '--plan', '--no-prices', '--json');
    const secrets = await readSecrets(cloud);
    await readFunctions(cloud.bed, places);
    places.set("PostgreSQL's log", await server.readLog());
    places.set("PostgreSQL's statements", await readStatements(server));
    await run('destroy', '--confirm', 'shop', '--json');
    await readRequests(cloud.bed, places);
    await readFiles(cloud.dir, places);
    await readFiles(own, places);
    places.set('arguments of processes', watched.stop());

    // What was looked at is what it is taken for.
    expect(places.get("PostgreSQL's log")).toContain('count(*) FROM books');
    expect(places.get("PostgreSQL's statements")).toMatch(/CREATE ROLE "?shop_a/);
    expect([...places.keys()]).toEqual(
      expect.arrayContaining(['function shop-dev-runner', 'function shop-dev-api']),
    );
    if (existsSync('/proc/self/cmdline'))
      expect(places.get('arguments of processes')).toContain('bin/run.js');
    expect(findLeaks(places, secrets)).toEqual([]);
    // And the search finds what there is to be found.
    const [secret = ''] = secrets;
    expect(
      findLeaks(
        new Map([
          ['a', `x${secret}`],
          ['b', btoa(`:${secret}:`)],
        ]),
        [secret],
      ),
    ).toEqual(['a', 'b']);
  } finally {
    watched.stop();
  }
}, 300_000);

/** Names of the places in which a secret stands, as it is or in base64 at any of its three offsets. */
function findLeaks(places: Places, secrets: readonly string[]): string[] {
  const forms = secrets.flatMap((secret) => [secret, encodeURIComponent(secret), ...inBase64(secret)]);
  return [...places].filter(([, text]) => forms.some((form) => text.includes(form))).map(([name]) => name);
}

/** What of a base64 text does not depend on what stands before and after. */
const inBase64 = (secret: string): string[] =>
  [0, 1, 2].map((offset) => {
    const text = Buffer.from('x'.repeat(offset) + secret).toString('base64');
    return text.slice(offset === 0 ? 0 : 4, Math.floor((offset + secret.length) / 3) * 4);
  });

/** Every password that Secrets Manager holds, RDS's own included, and the caller's key. */
async function readSecrets({ bed, env }: CloudBed): Promise<string[]> {
  const { SecretList } = await bed.aws<{ SecretList: { ARN: string; Name: string }[] }>({
    ...{ service: 'secretsmanager', action: 'ListSecrets' },
  });
  const passwords = await Promise.all(
    SecretList.map(async ({ ARN, Name }) => {
      const input = { SecretId: ARN };
      const { SecretString } = await bed.aws<{ SecretString: string }>({
        ...{ service: 'secretsmanager', action: 'GetSecretValue', input, plain: false },
      });
      const { password } = JSON.parse(SecretString) as { password?: string };
      if (password === undefined) throw new Error(`${Name} holds no password`);
      return password;
    }),
  );
  // Master, two slots, and what is active, which is one of the slots.
  expect(new Set(passwords).size).toBe(3);
  return [...new Set(passwords), env.AWS_SECRET_ACCESS_KEY ?? ''];
}

/** Configuration, environment and log of every function. */
async function readFunctions(bed: Bed, places: Places): Promise<void> {
  const { Functions } = await bed.aws<{ Functions: { FunctionName: string }[] }>({
    ...{ service: 'lambda', action: 'ListFunctions' },
  });
  for (const { FunctionName } of Functions) {
    const { zip, ...shown } = await bed.functionCode(FunctionName);
    places.set(`function ${FunctionName}`, JSON.stringify([shown, Functions]));
    places.set(`package of ${FunctionName}`, Buffer.from(zip, 'base64').toString('latin1'));
  }
  const { logGroups } = await bed.aws<{ logGroups: { logGroupName: string }[] }>({
    ...{ service: 'logs', action: 'DescribeLogGroups' },
  });
  for (const { logGroupName } of logGroups) {
    const input = { logGroupName };
    const events = await bed.aws({ service: 'logs', action: 'FilterLogEvents', input });
    places.set(`log group ${logGroupName}`, JSON.stringify(events));
  }
}

/** What the commands sent to AWS, save what goes into a secret and what the runner is called with. */
async function readRequests(bed: Bed, places: Places): Promise<void> {
  for (const { service, action, input } of await bed.requests()) {
    const name = `${service}:${action}`;
    if (name === 'secretsmanager:CreateSecret' || name === 'lambda:Invoke') continue;
    places.set(`requests of ${name}`, `${places.get(`requests of ${name}`) ?? ''}${JSON.stringify(input)}`);
  }
}

/** Statements without parameters, such as CREATE ROLE, stand there with all they say. */
async function readStatements(server: {
  asAdmin<T>(
    work: (client: { query(sql: string): Promise<{ rows: { query: string }[] }> }) => Promise<T>,
  ): Promise<T>;
}): Promise<string> {
  return server.asAdmin(async (client) => {
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    const { rows } = await client.query('SELECT query FROM pg_stat_statements');
    return rows.map(({ query }) => query).join('\n');
  });
}

/** Every file of a folder; links lead out of it. */
async function readFiles(dir: string, places: Places): Promise<void> {
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    places.set(file, await readFile(file, 'latin1'));
  }
}

/** Looks at the arguments of all processes again and again. `stop` gives all that were seen. */
function watchArguments(): { stop(): string } {
  const seen = new Set<string>();
  const look = async (): Promise<void> => {
    const pids = await readdir('/proc').catch(() => []);
    for (const pid of pids.filter((name) => /^\d+$/.test(name)))
      seen.add(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  };
  let [watching, looking] = [true, false];
  const timer = setInterval(() => {
    if (looking || !watching) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  }, 50);
  return {
    stop() {
      watching = false;
      clearInterval(timer);
      return [...seen].join('\n');
    },
  };
}
