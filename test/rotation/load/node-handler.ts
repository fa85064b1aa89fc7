// A function under load, bundled as a deployed one is: an event holds the connection for a while, and may give it up first, so
// that the environment has to log in anew. LOAD_CLIENT says which client it is.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import {
  Database,
  type ProbeAnswer,
  settingsFromEnvironment,
  startInvocation,
  withProbe,
} from '../../../templates/runtime-node/lambdapg-runtime/index.ts';
import { readSecret } from '../../../templates/runtime-node/lambdapg-runtime/secrets-manager.ts';

interface Client {
  ask(holdMs: number): Promise<string>;
  /** The next statement opens a connection. */
  leave(): Promise<unknown>;
  /** Of the connection module; the others answer with a new connection of their own. */
  probe?(): Promise<ProbeAnswer>;
}

interface Login {
  readonly user: string;
  readonly password: string;
}

const { env } = process;
const sql = 'select session_user::text as name, pg_sleep($1)';
const ssl = env.PGSSLROOTCERT ? { ca: readFileSync(env.PGSSLROOTCERT, 'utf8') } : false;

async function readLogin(): Promise<Login> {
  const text = await readSecret(env, env.LAMBDAPG_SECRET_ARN ?? '', 'AWSCURRENT');
  const { username: user, password } = JSON.parse(text) as { username: string; password: string };
  return { user, password };
}

function moduleClient(): Client {
  const database = new Database(() => settingsFromEnvironment(env));
  return {
    ask: async (holdMs) => (await database.query<{ name: string }>(sql, [holdMs / 1000]))[0]?.name ?? '',
    leave: database.close,
    probe: database.probe,
  };
}

/** A pool that is made with a login, which stays in it. */
function poolClient(read: () => Promise<Partial<Login>>): Client {
  let made: pg.Pool | undefined;
  const pool = async (): Promise<pg.Pool> => {
    made ??= new pg.Pool({ ssl, max: 1, ...(await read()) }).on('error', () => {});
    return made;
  };
  return {
    ask: async (holdMs) => (await (await pool()).query(sql, [holdMs / 1000])).rows[0].name,
    async leave() {
      if (made === undefined || made.totalCount === 0) return;
      (await made.connect()).release(true);
    },
  };
}

/** A login that is kept for `cacheMs`, and read anew `retries` times when it is refused. */
function cachingClient(cacheMs: number, retries: number): Client {
  let known: { login: Login; readAt: number } | undefined;
  let client: pg.Client | undefined;
  async function open(tries: number): Promise<pg.Client> {
    if (known === undefined || Date.now() - known.readAt > cacheMs)
      known = { login: await readLogin(), readAt: Date.now() };
    const opening = new pg.Client({ ssl, ...known.login }).on('error', () => {});
    try {
      await opening.connect();
      return opening;
    } catch (error) {
      void opening.end().catch(() => {});
      if ((error as { code?: string }).code !== '28P01' || tries === 0) throw error;
      known = undefined;
      return open(tries - 1);
    }
  }
  return {
    async ask(holdMs) {
      client ??= await open(retries);
      return (await client.query(sql, [holdMs / 1000])).rows[0].name;
    },
    async leave() {
      await client?.end();
      client = undefined;
    },
  };
}

const clients: Record<string, () => Client> = {
  /** The connection module. */
  module: moduleClient,
  /** Login from the environment. */
  environment: () => poolClient(async () => ({})),
  /** Login read from the secret at the cold start, and never again. */
  start: () => poolClient(readLogin),
  cached: () => cachingClient(Number(env.LOAD_CACHE_MS), 0),
  'cached-retry': () => cachingClient(Number(env.LOAD_CACHE_MS), 1),
};

const make = clients[env.LOAD_CLIENT ?? 'module'];
if (make === undefined) throw new Error(`no client ${env.LOAD_CLIENT}`);
const client = make();

interface Event {
  readonly holdMs?: number;
  readonly reconnect?: boolean;
}

async function handle(
  event: Event,
  context: { getRemainingTimeInMillis(): number },
): Promise<{ user: string }> {
  startInvocation(context);
  if (event.reconnect) await client.leave();
  return { user: await client.ask(event.holdMs ?? 0) };
}

async function probe(): Promise<ProbeAnswer> {
  await client.leave();
  const user = await client.ask(0);
  return { 'lambdapg:probe': 1, ok: true, user, role: '', application: '', server: '', runtime: '' };
}

export const handler = withProbe(handle, { probe: client.probe ?? probe });
