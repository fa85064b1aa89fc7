// Asks in turn through the connection runtime of a generated project and through a bare pg client, in one process.
import pg from 'pg';
import { Database, settingsFromEnvironment } from '../../../templates/runtime-node/lambdapg-runtime/index.ts';

const [sql = '', rounds = '100', perRound = '100'] = process.argv.slice(2);
const settings = settingsFromEnvironment(process.env);
const database = new Database(() => settings);
const client = new pg.Client({
  ssl: settings.tls === false ? false : { ...settings.tls, rejectUnauthorized: true },
});
await client.connect();

/** Microseconds for each query. */
async function measure(ask: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  for (let query = 0; query < Number(perRound); query += 1) await ask();
  return ((performance.now() - startedAt) / Number(perRound)) * 1000;
}

const ours = (): Promise<number> => measure(() => database.query(sql));
const bare = (): Promise<number> => measure(() => client.query(sql));
const found = { subject: [] as number[], peer: [] as number[] };
const warmUp = 20;
for (let round = 0; round < warmUp + Number(rounds); round += 1) {
  const first = round % 2 === 0 ? await bare() : undefined;
  const subject = await ours();
  const peer = first ?? (await bare());
  if (round < warmUp) continue;
  found.subject.push(subject);
  found.peer.push(peer);
}
process.stdout.write(JSON.stringify(found));
await client.end();
await database.close();
