// The way of the 2019 article on Heroku Postgres: a pool of one in module scope, made at the first call with what Heroku's API
// says. Mended only where it would not run today: TLS with the authority that the measurement uses.
import { readFileSync } from 'node:fs';
import pg from 'pg';

let pool: pg.Pool | undefined;

async function setUpPool(): Promise<void> {
  const { HEROKU_API_URL = '', HEROKU_ADDON = '', HEROKU_KEY = '', PGSSLROOTCERT = '' } = process.env;
  const response = await fetch(`${HEROKU_API_URL}/addons/${HEROKU_ADDON}/config`, {
    headers: { authorization: `Bearer ${HEROKU_KEY}`, accept: 'application/vnd.heroku+json; version=3' },
  });
  const [first] = (await response.json()) as { value: string }[];
  const url = new URL(first?.value ?? '');
  pool = new pg.Pool({
    ...{ host: url.hostname, port: Number(url.port), database: url.pathname.slice(1), max: 1 },
    ...{ user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
    ssl: { ca: readFileSync(PGSSLROOTCERT, 'utf8') },
  });
  pool.on('error', () => {});
}

export async function handler() {
  if (pool === undefined) await setUpPool();
  const result = await pool?.query('select id, title from books order by id limit 2');
  return { statusCode: 200, body: JSON.stringify(result?.rows) };
}
