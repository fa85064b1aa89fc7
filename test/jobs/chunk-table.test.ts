import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { type ChunkTable, dropChunks, getChunk, putChunk, readChunks } from '../../src/jobs/chunk-table.ts';
import { catchUserError, useSchemaBed } from '../seed/schema-bed.ts';

const bed = useSchemaBed();

const tableOf = (origin: string): ChunkTable => ({
  target: bed().target.admin,
  ownerRole: 'library_owner',
  run: randomBytes(8).toString('hex'),
  origin,
});
const names = async () =>
  (
    await bed().adminSql<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relname LIKE 'chunks%' AND relkind = 'r'`,
    )
  )
    .map(({ name }) => name)
    .sort();

test('chunks come back as they were written, in order, twice written or not', async () => {
  const table = tableOf('here');
  const chunks = [randomBytes(100_000), Buffer.from('\\x\t\n\0\\.'), Buffer.alloc(0)];
  for (const [sequence, chunk] of chunks.entries()) await putChunk(table, sequence, chunk);
  await putChunk(table, 1, chunks[1] ?? Buffer.alloc(0));
  const read: Buffer[] = [];
  for await (const chunk of readChunks(table, 3)) read.push(chunk);
  expect(read).toEqual(chunks);
  await dropChunks(table);
  await dropChunks(table);
  expect(await names()).toEqual([]);
});

test('a new run drops what an earlier one of the same origin left; another origin’s only after a long silence', async () => {
  const [left, foreign, silent] = [tableOf('here'), tableOf('there'), tableOf('elsewhere')];
  for (const table of [left, foreign, silent]) await putChunk(table, 0, Buffer.from('x'));
  await bed().adminSql(
    `UPDATE lambdapg.chunks_${silent.run} SET written_at = written_at - interval '11 minutes'`,
  );
  const next = tableOf('here');
  await putChunk(next, 0, Buffer.from('y'));
  expect(await names()).toEqual([`chunks_${foreign.run}`, `chunks_${next.run}`].sort());
  const late = await catchUserError(putChunk(left, 1, Buffer.from('x')));
  expect(late).toMatchObject({ code: 'CHUNKS_GONE', exit: 75 });
  expect((await catchUserError(getChunk(left, 0))).code).toBe('CHUNKS_GONE');
});

test('migrations find the schema that chunks made, and the application still may not look', async () => {
  await putChunk(tableOf('here'), 0, Buffer.from('x'));
  await bed().write('migrations/0001_a.sql', 'CREATE TABLE a (id int);');
  expect((await bed().migrate()).applied).toHaveLength(1);
  const [rights] = await bed().sql(
    `SELECT has_schema_privilege('library_app', 'lambdapg', 'USAGE') AS schema, nspowner::regrole::text AS owner
       FROM pg_namespace WHERE nspname = 'lambdapg'`,
  );
  expect(rights).toEqual({ schema: false, owner: 'library_owner' });
});
