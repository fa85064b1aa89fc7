// Runs one `Database` and does what it is told, one JSON command a line: the stand-in for an execution environment.
import { createInterface } from 'node:readline';
import { Database, settingsFromEnvironment } from '../../templates/runtime-node/lambdapg-runtime/index.ts';
import type { Command } from './driver.ts';

const wallClock = Date.now;
let skippedMs = 0;
Date.now = () => wallClock() + skippedMs;

const limits = process.env.TEST_CONNECT_TIMEOUT_MS;
const database = new Database(() => ({
  ...settingsFromEnvironment(process.env),
  ...(limits !== undefined && { connectTimeoutMs: Number(limits) }),
}));

async function run(command: Command): Promise<unknown> {
  switch (command.op) {
    case 'query':
      return database.query(command.sql);
    case 'transaction':
      return database.transaction(async (tx) => {
        const results: unknown[] = [];
        for (const sql of command.statements) {
          const rows = tx.query(sql);
          results.push(await (command.swallow ? rows.catch(() => null) : rows));
        }
        if (command.nested === 'query') await database.query('select 1');
        if (command.nested === 'transaction') await database.transaction(async () => {});
        if (command.fail) throw new Error('the work failed');
        return results;
      });
    case 'skip':
      skippedMs += command.ms;
      return null;
    case 'password':
      process.env.PGPASSWORD = command.password;
      return null;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await run(JSON.parse(line) as Command).then(
    (ok) => ({ ok }),
    (error: Error & { code?: string }) => ({ error: { message: error.message, code: error.code ?? null } }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
