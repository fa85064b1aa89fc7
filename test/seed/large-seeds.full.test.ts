import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { execa } from '../../src/exec.ts';
import { Secret } from '../../src/secret.ts';
import { useSchemaBed } from './schema-bed.ts';

const bed = useSchemaBed();

beforeEach(async () => {
  await bed().sql('CREATE TABLE bulk (id int PRIMARY KEY, title text, added timestamptz, price numeric)');
});

type Render = (row: number) => string;
const formats: Record<string, { head: string; row: Render; tail: string }> = {
  csv: {
    head: 'id,title,added,price\n',
    row: (row) => `${row},"title, number\n${row}",2026-01-01 10:00:00+00,${row % 1000}.50\n`,
    tail: '',
  },
  ndjson: {
    head: '',
    row: (row) =>
      `{"id":${row},"title":"title number ${row}","added":"2026-01-01 10:00:00+00","price":${row % 1000}.50}\n`,
    tail: '',
  },
  json: {
    head: '[',
    row: (row) =>
      `${row === 1 ? '' : ',\n'}{"id":${row},"title":"title number ${row}","added":"2026-01-01 10:00:00+00","price":${row % 1000}.50}`,
    tail: ']\n',
  },
};

describe.each(Object.entries(formats))('a million rows of %s', (kind, { head, row, tail }) => {
  it('take at most 150 MiB, no more than a tenth of them do, and nothing when they run again', async () => {
    const small = await seedRows(kind, head, row, tail, 100_000);
    const large = await seedRows(kind, head, row, tail, 1_000_000);
    const again = await seedRows(kind, head, row, tail, 1_000_000);
    expect(small.files[0]).toMatchObject({ inserted: 100_000 });
    expect(large.files[0]).toMatchObject({ inserted: 900_000, unchanged: 100_000 });
    expect(again.files[0]).toMatchObject({ unchanged: 1_000_000 });
    console.log(
      kind,
      [small, large, again].map(
        ({ files, maxRssKib }) => `${files[0]?.durationMs} ms, ${Math.round(maxRssKib / 1024)} MiB`,
      ),
    );
    for (const { maxRssKib } of [small, large, again]) expect(maxRssKib / 1024).toBeLessThan(150);
    expect(large.maxRssKib).toBeLessThan(small.maxRssKib * 1.3);
  }, 600_000);
});

interface ChildResult {
  readonly files: readonly { inserted: number; unchanged: number; durationMs: number }[];
  readonly maxRssKib: number;
}

async function seedRows(
  kind: string,
  head: string,
  row: Render,
  tail: string,
  count: number,
): Promise<ChildResult> {
  const { projectDir, target } = bed();
  await mkdir(join(projectDir, 'seeds'), { recursive: true });
  const lines = function* (): Generator<string> {
    yield head;
    for (let at = 1; at <= count; at += 1) yield row(at);
    yield tail;
  };
  await pipeline(Readable.from(lines()), createWriteStream(join(projectDir, 'seeds', `10_bulk.${kind}`)));
  const { password } = target.admin;
  if (!(password instanceof Secret)) throw new Error('the test server has a password');
  const child = fileURLToPath(new URL('seed-child.ts', import.meta.url));
  const { stdout } = await execa(process.execPath, ['--import', 'tsx', child], {
    env: { LAMBDAPG_TEST_SEED: JSON.stringify({ projectDir, target, password: password.reveal() }) },
  });
  return JSON.parse(stdout);
}
