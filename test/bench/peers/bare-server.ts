// The least that answers like the generated GET /books: one HTTP server with a pg client in the same process.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

const client = new pg.Client({ ssl: { ca: readFileSync(process.env.PGSSLROOTCERT ?? '', 'utf8') } });
await client.connect();
const text = 'select id, title, published_date from books where id > $1 order by id limit $2';

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const limit = Number(searchParams.get('limit'));
  client
    .query(text, [0, limit + 1])
    .then(({ rows }) => {
      const body = JSON.stringify({
        books: rows.slice(0, limit),
        next: rows.length > limit ? rows.at(-1)?.id : null,
      });
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      });
      response.end(body);
    })
    .catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`http://127.0.0.1:${port}\n`);
});
