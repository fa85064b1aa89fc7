import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RDSDataClient } from '@aws-sdk/client-rds-data';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { ConnectionTarget } from '../../../../src/database/target.ts';
import { Secret } from '../../../../src/secret.ts';

/*
 * The Data API on a real PostgreSQL, as far as queries need it. No emulator runs SQL there (moto answers what it was told
 * to). Wire form: the service's own model (rest-json, POST /Execute and so on); the text of a database error after
 * https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_ExecuteStatement.html and reports of users
 * ("ERROR: …; Position: 8; SQLState: 42703").
 */

interface Asked {
  readonly sql?: string;
  readonly transactionId?: string;
}

/** Gone at the end of the test. `requests` tells what was asked. */
export async function serveDataApi(
  target: ConnectionTarget,
  requests: unknown[] = [],
): Promise<RDSDataClient> {
  const sessions = new Map<string, pg.Client>();
  const server = createServer((request, response) => {
    void answer(request).then(
      (body) => response.end(JSON.stringify(body)),
      (error: Error & { code?: string; position?: string }) => {
        response.writeHead(400, { 'x-amzn-errortype': 'DatabaseErrorException' });
        const at = error.position === undefined ? '' : `; Position: ${error.position}`;
        response.end(JSON.stringify({ message: `ERROR: ${error.message}${at}; SQLState: ${error.code}` }));
      },
    );
  });
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const asked = JSON.parse(await readAll(request)) as Asked;
    requests.push({ path: request.url, ...asked });
    const { transactionId = '' } = asked;
    if (request.url === '/BeginTransaction') {
      const id = randomUUID();
      sessions.set(id, await connect(target));
      await sessions.get(id)?.query('BEGIN');
      return { transactionId: id };
    }
    const session = sessions.get(transactionId);
    if (request.url === '/Execute') return execute(session, target, asked.sql ?? '');
    await session?.query(request.url === '/CommitTransaction' ? 'COMMIT' : 'ROLLBACK');
    await session?.end();
    sessions.delete(transactionId);
    return { transactionStatus: 'done' };
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new RDSDataClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  onTestFinished(async () => {
    client.destroy();
    for (const session of sessions.values()) await session.end();
    server.close();
    server.closeAllConnections();
  });
  return client;
}

async function execute(
  session: pg.Client | undefined,
  target: ConnectionTarget,
  sql: string,
): Promise<unknown> {
  const client = session ?? (await connect(target));
  try {
    const { fields, rows, rowCount } = await client.query({ text: sql, rowMode: 'array', types: asText });
    return {
      numberOfRecordsUpdated: fields.length > 0 ? 0 : rowCount,
      columnMetadata: fields.map(({ name, dataTypeID }) => ({
        label: name,
        typeName: typeNames[dataTypeID] ?? 'text',
      })),
      records: (rows as (string | null)[][]).map((row) =>
        row.map((value, at) => toField(value, typeNames[fields[at]?.dataTypeID ?? 0])),
      ),
    };
  } finally {
    if (session === undefined) await client.end();
  }
}

const typeNames: Readonly<Record<number, string>> = {
  16: 'bool',
  20: 'int8',
  23: 'int4',
  701: 'float8',
  3802: 'jsonb',
};
const asText = { getTypeParser: () => (value: string) => value };

function toField(value: string | null, type: string | undefined): object {
  if (value === null) return { isNull: true };
  if (type === 'bool') return { booleanValue: value === 't' };
  if (type === 'int4' || type === 'int8') return { longValue: Number(value) };
  if (type === 'float8') return { doubleValue: Number(value) };
  return { stringValue: value };
}

async function connect({ host, port, database, user, password, tls }: ConnectionTarget): Promise<pg.Client> {
  const secret = password instanceof Secret ? password : await password();
  const ssl = tls === false ? false : { ca: tls.ca };
  const client = new pg.Client({ host, port, database, user, password: secret.reveal(), ssl });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
