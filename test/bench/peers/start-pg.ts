// A cold start with pg alone: import, connect, one row. The password is in the environment.
import { readFileSync } from 'node:fs';
import pg from 'pg';

const ssl = { ca: readFileSync(process.env.PGSSLROOTCERT ?? '', 'utf8') };
const client = new pg.Client({ ssl });
if (process.argv[2] !== 'import') {
  await client.connect();
  await client.query('select 1 as one');
  await client.end();
}
