// One execution environment with the client that is named: `invoke` asks once, `storm <n> <seconds>` is as many environments at once,
// each of which holds a slot for so long.
import { createInterface } from 'node:readline';
import pg from 'pg';
import postgres from 'postgres';
import ServerlessPostgres from 'serverless-postgres';
import { Database, settingsFromEnvironment } from '../../../templates/runtime-node/lambdapg-runtime/index.ts';

/** How each package's own documentation uses it in Lambda. */
interface Subject {
  ask(sql: string): Promise<unknown>;
  close(): Promise<unknown>;
}

const { tls } = settingsFromEnvironment({
  ...process.env,
  PGUSER: 'any',
  PGPASSWORD: 'any',
  LAMBDAPG_SECRET_ARN: '',
});
const ssl = { ...(tls !== false && tls.ca !== undefined && { ca: tls.ca }), rejectUnauthorized: true };

const subjects: Record<string, () => Subject> = {
  lambdapg() {
    const database = new Database(() => settingsFromEnvironment(process.env));
    return { ask: (sql) => database.query(sql), close: database.close };
  },
  'pg Client'() {
    const client = new pg.Client({ ssl });
    client.on('error', () => {});
    let connecting: Promise<unknown> | undefined;
    return {
      async ask(sql) {
        connecting ??= client.connect();
        await connecting;
        return client.query(sql);
      },
      close: () => client.end(),
    };
  },
  'pg Pool'() {
    const pool = new pg.Pool({ ssl, max: 1 });
    pool.on('error', () => {});
    return { ask: (sql) => pool.query(sql), close: () => pool.end() };
  },
  'postgres.js'() {
    const sql = postgres({ ssl, max: 1 });
    return { ask: (text) => sql.unsafe(text), close: () => sql.end({ timeout: 1 }) };
  },
  'serverless-postgres'() {
    const client = new ServerlessPostgres({ ssl });
    return {
      async ask(sql) {
        await client.connect();
        const result = await client.query(sql);
        await client.clean();
        return result;
      },
      close: () => client.end(),
    };
  },
};

const make = subjects[process.argv[2] ?? ''];
if (make === undefined) throw new Error(`no subject ${process.argv[2]}`);
const subject = make();

async function storm(count: number, seconds: number): Promise<number> {
  const visits = Array.from({ length: count }, async () => {
    const one = make?.();
    await one?.ask(`select pg_sleep(${seconds})`);
    // It leaves in its own time: an error of leaving is no failed invocation.
    void one?.close().catch(() => {});
  });
  const settled = await Promise.allSettled(visits);
  return settled.filter(({ status }) => status === 'rejected').length;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [op, count, seconds] = line.split(' ');
  const answer =
    op === 'storm'
      ? { failed: await storm(Number(count), Number(seconds)) }
      : await subject.ask('select 1').then(
          () => ({ failed: 0 }),
          (error: Error) => ({ failed: 1, error: error.message }),
        );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
