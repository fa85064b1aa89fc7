import { readFileSync } from 'node:fs';
import pg from 'pg';

/*
 * Rounds of one query on two connections in turn: through a pooler and past it. Prints microseconds per query of each
 * round. Arguments: the pooler's port, the server's port, rounds, queries per round; the rest by libpq's variables.
 */
const [pooled = 0, direct = 0, rounds = 0, queries = 0] = process.argv.slice(2).map(Number);

async function connect(port: number): Promise<pg.Client> {
  const ca = readFileSync(String(process.env.PGSSLROOTCERT));
  const client = new pg.Client({ port, ssl: { ca } });
  await client.connect();
  return client;
}

async function measure(client: pg.Client): Promise<number> {
  const started = performance.now();
  for (let query = 0; query < queries; query += 1) await client.query('select $1::int as one', [1]);
  return ((performance.now() - started) * 1_000) / queries;
}

const [subject, peer] = [await connect(pooled), await connect(direct)];
const found = { subject: [] as number[], peer: [] as number[] };
for (let round = 0; round <= rounds; round += 1) {
  const [a, b] = [await measure(subject), await measure(peer)];
  if (round === 0) continue;
  found.subject.push(a);
  found.peer.push(b);
}
await subject.end();
await peer.end();
process.stdout.write(JSON.stringify(found));
