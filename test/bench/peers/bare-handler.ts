// What a person writes by hand to answer the same question: one lazily connected pg client and one query.
import { readFileSync } from 'node:fs';
import pg from 'pg';

let client: pg.Client | undefined;

async function connect(): Promise<pg.Client> {
  const fresh = new pg.Client({ ssl: { ca: readFileSync(process.env.PGSSLROOTCERT ?? '', 'utf8') } });
  await fresh.connect();
  return fresh;
}

export async function handler(event: { queryStringParameters?: { limit?: string } }) {
  client ??= await connect();
  const limit = Number(event.queryStringParameters?.limit ?? 20);
  const { rows } = await client.query(
    'select id, title, published_date from books where id > $1 order by id limit $2',
    [0, limit + 1],
  );
  const next = rows.length > limit ? rows[limit - 1]?.id : null;
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ books: rows.slice(0, limit), next }),
  };
}
