import { cp, mkdir, open, readFile, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { copyFrom } from '../../src/database/copy.ts';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import type { LocalPostgres } from '../../src/local/postgres/local-postgres.ts';
import { openCsvRows } from '../../src/seed/csv-rows.ts';
import { type Bed, type Benchmark, builtCli, ownerRole, withServer } from './bed.ts';
import { plainEnvironment, type Usage } from './measure.ts';
import { measurePairs, median, pairedRatio } from './statistics.ts';
import { atMost, formatMs, type Row } from './table.ts';

const n = 5;
/** A difference of a tenth is to be seen, and one COPY differs from the next by as much. */
const rawPairs = 11;
const manyRows = 1_000_000;
const fewRows = 250_000;
const mostRows = 2_000_000;
const columns = 'id int, title text, happened_at timestamptz, amount numeric';
const longestRecordBytes = 16 * 1024 * 1024;

/** A million rows of CSV, against psql's \copy of the same file. */
export const seeding: Benchmark = {
  name: 'seeding',
  method: `A CSV of ${manyRows.toLocaleString('en')} rows (int, text, timestamptz, numeric) with TLS, against psql's \`\\copy\` of
the same file, in turn, each after TRUNCATE and CHECKPOINT. "raw COPY" is lambdapg's reader (which checks encoding, quotes and
row length) and its COPY alone, into a table without an index, connecting included. "seed" is the whole command: start,
adopting the server, staging table, checks, upsert into a table with a primary key, sequences. Memory is the command's own
(wait4).`,
  async measure(bed) {
    const dir = await makeSeedProject(bed, await bed.project());
    try {
      return await withServer(dir, async (local) => {
        const env = { ...plainEnvironment(), ...(await functionEnvironment(local.admin, local.caFile)) };
        return withClient(local.admin, { applicationName: 'lambdapg bench' }, (client) =>
          measureSeeding({ bed, dir, local, client, env }),
        );
      });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
};

interface SeedBed {
  readonly bed: Bed;
  /** Absolute: a project whose seeds are `10_many.csv`, `20_few.csv` and `30_most.csv`. */
  readonly dir: string;
  readonly local: LocalPostgres;
  readonly client: Client;
  /** libpq's variables. */
  readonly env: Record<string, string>;
}

async function makeSeedProject(bed: Bed, project: string): Promise<string> {
  const dir = join(bed.folder, 'seeding');
  const left = ['node_modules', '.lambdapg', 'seeds', 'migrations', 'vendor'];
  await cp(project, dir, { recursive: true, filter: (path) => !left.includes(basename(path)) });
  await symlink(join(project, 'node_modules'), join(dir, 'node_modules'));
  await mkdir(join(dir, 'seeds'));
  await writeCsv(join(dir, 'seeds/10_many.csv'), manyRows);
  await writeCsv(join(dir, 'seeds/20_few.csv'), fewRows);
  await writeCsv(join(dir, 'seeds/30_most.csv'), mostRows);
  return dir;
}

async function writeCsv(path: string, rows: number): Promise<void> {
  const file = await open(path, 'w');
  let text = 'id,title,happened_at,amount\n';
  for (let id = 1; id <= rows; id += 1) {
    const time = new Date(Date.UTC(2026, 0, 1) + id * 1000).toISOString();
    text += `${id},title of row ${String(id).padStart(7, '0')},${time},${((id * 7919) % 1_000_000) / 100}\n`;
    if (text.length < 1 << 20 && id < rows) continue;
    await file.write(text);
    text = '';
  }
  await file.close();
}

async function measureSeeding(seedBed: SeedBed): Promise<Row[]> {
  const { client } = seedBed;
  for (const table of ['many', 'few', 'most']) {
    await client.query(`CREATE TABLE ${table} (${columns}, PRIMARY KEY (id))`);
    await client.query(`ALTER TABLE ${table} OWNER TO ${ownerRole}`);
  }
  await client.query(`CREATE TABLE plain (${columns})`);
  if (!(await hasPsql(seedBed))) return [{ subject: 'seeding', n: 0, measured: 'psql is not available' }];
  return [await rawCopyRow(seedBed), ...(await upsertRows(seedBed))];
}

async function hasPsql({ bed, dir }: SeedBed): Promise<boolean> {
  return bed.measure.run(['psql', '--version'], { cwd: dir }).then(
    () => true,
    () => false,
  );
}

/** An empty table, and no checkpoint of earlier work in the middle of the measurement. */
async function empty({ client }: SeedBed, table: string): Promise<void> {
  await client.query(`TRUNCATE ${table}`);
  await client.query('CHECKPOINT');
}

async function psqlCopy(seedBed: SeedBed, table: string): Promise<Usage> {
  await empty(seedBed, table);
  const { bed, dir: cwd, env } = seedBed;
  const copy = `\\copy ${table} from 'seeds/10_many.csv' with (format csv, header)`;
  return bed.measure.run(['psql', '--no-psqlrc', '--quiet', '-c', copy], { cwd, env });
}

async function rawCopyRow(seedBed: SeedBed): Promise<Row> {
  const { subject, peer } = await measurePairs(
    rawPairs,
    () => rawCopy(seedBed),
    async () => (await psqlCopy(seedBed, 'plain')).wallMs,
  );
  const ratio = pairedRatio(subject, peer);
  return {
    subject: 'raw COPY of 1 M rows',
    n: rawPairs,
    measured: formatMs(median(subject)),
    peer: `psql \\copy ${formatMs(median(peer))}`,
    ratio,
    goal: atMost(ratio, 1.1),
  };
}

async function rawCopy(seedBed: SeedBed): Promise<number> {
  await empty(seedBed, 'plain');
  const path = 'seeds/10_many.csv';
  const startedAt = performance.now();
  await withClient(seedBed.local.admin, { applicationName: 'lambdapg bench' }, async (client) => {
    const rows = await openCsvRows({ file: join(seedBed.dir, path), path }, longestRecordBytes);
    await copyFrom(
      client,
      `COPY plain FROM STDIN WITH (${rows.copyOptions})`,
      rows.read(() => {}),
    );
  });
  return performance.now() - startedAt;
}

async function upsertRows(seedBed: SeedBed): Promise<Row[]> {
  const first = await measurePairs(
    n,
    () => seedEmpty(seedBed, '10_many.csv', 'many', manyRows),
    () => psqlCopy(seedBed, 'many'),
  );
  // psql filled the table last.
  const again = await repeat(() => runSeed(seedBed, '10_many.csv', 'unchanged', manyRows));
  const few = await repeat(() => seedEmpty(seedBed, '20_few.csv', 'few', fewRows));
  const most = await repeat(() => seedEmpty(seedBed, '30_most.csv', 'most', mostRows));
  const wall = (usages: readonly Usage[]): number[] => usages.map((usage) => usage.wallMs);
  const ratio = pairedRatio(wall(first.subject), wall(first.peer));
  const psql = `psql \\copy ${formatMs(median(wall(first.peer)))}`;
  return [
    {
      ...{ subject: '`seed` of 1 M new rows', n, measured: formatMs(median(wall(first.subject))) },
      ...{ peer: `${psql}, same table`, ratio, goal: atMost(ratio, 2) },
    },
    {
      ...{ subject: '`seed` of the same again: nothing written', n, measured: formatMs(median(wall(again))) },
      ...{ peer: psql, ratio: pairedRatio(wall(again), wall(first.peer)) },
    },
    ...memoryRows(few, first.subject, most, first.peer),
  ];
}

function memoryRows(
  few: readonly Usage[],
  many: readonly Usage[],
  most: readonly Usage[],
  psql: readonly Usage[],
): Row[] {
  const peak = (usages: readonly Usage[]): number => median(usages.map((usage) => usage.peakMb));
  const mb = (usages: readonly Usage[]): string => `${peak(usages).toFixed(0)} MB`;
  const growth = peak(most) / peak(many);
  return [
    {
      ...{ subject: 'peak memory of `seed`, 1 M rows', n, measured: mb(many) },
      ...{ peer: `psql ${mb(psql)}`, goal: atMost(peak(many), 150, ' MB') },
    },
    {
      ...{ subject: 'the same, against 250 k rows', n, measured: mb(many) },
      ...{ peer: `250 k rows ${mb(few)}`, ratio: peak(many) / peak(few) },
    },
    {
      ...{ subject: 'the same with 2 M rows, against 1 M', n, measured: mb(most) },
      ...{ peer: `1 M rows ${mb(many)}`, ratio: growth, goal: atMost(growth, 1.1) },
    },
  ];
}

/** The command on an empty table. */
async function seedEmpty(seedBed: SeedBed, file: string, table: string, rows: number): Promise<Usage> {
  await empty(seedBed, table);
  return runSeed(seedBed, file, 'inserted', rows);
}

async function repeat(work: () => Promise<Usage>): Promise<Usage[]> {
  const found: Usage[] = [];
  for (let run = 0; run < n; run += 1) found.push(await work());
  return found;
}

/** @throws Error unless exactly `rows` rows were `outcome` */
async function runSeed(
  { bed, dir: cwd }: SeedBed,
  file: string,
  outcome: 'inserted' | 'unchanged',
  rows: number,
): Promise<Usage> {
  const stdout = join(bed.folder, 'seeded.json');
  const usage = await bed.measure.run([process.execPath, builtCli, 'seed', file, '--json'], { cwd, stdout });
  const { files } = JSON.parse(await readFile(stdout, 'utf8')) as { files: Record<string, unknown>[] };
  if (files[0]?.[outcome] !== rows) throw new Error(`${file}: ${JSON.stringify(files)}`);
  return usage;
}
