// Runs one `Database` and does what it is told, one JSON command a line: the stand-in for an execution environment.
import dns from 'node:dns';
import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import {
  Database,
  readerEnvironment,
  settingsFromEnvironment,
  startInvocation,
  withProbe,
} from '../../templates/runtime-node/lambdapg-runtime/index.ts';
import type { Command } from './driver.ts';

const WallDate = Date;
let skippedMs = 0;
globalThis.Date = class extends WallDate {
  constructor(value?: number | string) {
    super(value ?? WallDate.now() + skippedMs);
  }
  static override now = () => WallDate.now() + skippedMs;
} as DateConstructor;

const wallLookup = dns.lookup;
const { TEST_LOCAL_NAME: local, TEST_LOCAL_ADDRESS: localAddress = '127.0.0.1' } = process.env;
Object.assign(dns, {
  lookup: (name: string, ...rest: [dns.LookupOptions, () => void]) =>
    wallLookup(name === local ? localAddress : name, ...rest),
});

const wallTimeout = AbortSignal.timeout;
const { TEST_ANSWER_WITHIN_MS: answerMs } = process.env;
AbortSignal.timeout = (ms) => wallTimeout.call(AbortSignal, Number(answerMs ?? ms));

const { TEST_CONNECT_TIMEOUT_MS: connectMs, TEST_RETRY_WITHIN_MS: retryMs } = process.env;
const readSettings = (env = process.env) => ({
  ...settingsFromEnvironment(env),
  ...(connectMs !== undefined && { connectTimeoutMs: Number(connectMs) }),
  ...(retryMs !== undefined && { retryWithinMs: Number(retryMs) }),
});
const reader = new Database(() => readSettings(readerEnvironment(process.env)));
const database = new Database(readSettings);
const handle = withProbe(async (event: unknown) => ({ handled: event }), database);

async function run(command: Command): Promise<unknown> {
  switch (command.op) {
    case 'query':
      return database.query(command.sql, [], options(command));
    case 'read':
      return reader.query(command.sql);
    case 'race':
      return Promise.all(Array.from({ length: command.count }, () => database.query(command.sql)));
    case 'invoke':
      startInvocation({ getRemainingTimeInMillis: () => command.remainingMs });
      return null;
    case 'transaction':
      return database.transaction(async (tx) => {
        const results: unknown[] = [];
        for (const sql of command.statements) {
          const rows = tx.query(sql);
          results.push(await (command.swallow ? rows.catch(() => null) : rows));
          skippedMs += command.skipMs ?? 0;
        }
        if (command.nested === 'query') await database.query('select 1');
        if (command.nested === 'transaction') await database.transaction(async () => {});
        if (command.fail) throw new Error('the work failed');
        return results;
      }, options(command));
    case 'together':
      return Promise.all(Array.from({ length: command.count }, () => queryOnce(command.sql)));
    case 'credentials':
      return readSettings().credentials();
    case 'event':
      return handle(command.event, { getRemainingTimeInMillis: () => command.remainingMs ?? 60_000 });
    case 'skip':
      skippedMs += command.ms;
      return null;
    case 'password':
      process.env.PGPASSWORD = command.password;
      return null;
  }
}

const options = ({ timeoutMs }: { readonly timeoutMs?: number }) =>
  timeoutMs === undefined ? {} : { timeoutMs };

async function queryOnce(sql: string): Promise<unknown> {
  const other = new Database(readSettings);
  try {
    return await other.query(sql);
  } finally {
    await other.close();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await run(JSON.parse(line) as Command).then(
    (ok) => ({ ok }),
    (error: Error & { code?: string }) => {
      const printed = inspect(error, { depth: 9, showHidden: true });
      return { error: { message: error.message, code: error.code ?? null, printed } };
    },
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
