import { beforeEach, describe, expect, it } from 'vitest';
import { scanCsv, startScan } from '../../src/seed/scan-csv.ts';
import { catchUserError, useSchemaBed } from './schema-bed.ts';

const bed = useSchemaBed();

beforeEach(async () => {
  await bed().sql(`
    CREATE TABLE authors (id int PRIMARY KEY, name text NOT NULL, born date, rank smallint CHECK (rank < 100), mood text);
    CREATE TABLE books (id int PRIMARY KEY, author_id int REFERENCES authors, slug text UNIQUE, next int REFERENCES books)`);
});

/** The error of a CSV for `authors`; nothing of it may remain. */
async function refuse(content: string | Buffer, name = '10_authors.csv') {
  const error = await catchUserError(bed().seedFile(name, content));
  expect(await bed().sql('SELECT FROM authors UNION ALL SELECT FROM books')).toEqual([]);
  return error;
}

describe('a CSV file', () => {
  it.each([
    ['is empty', '', 'SEED_EMPTY', 'seeds/10_authors.csv is empty'],
    ['is only a byte order mark', '\ufeff', 'SEED_EMPTY', 'seeds/10_authors.csv is empty'],
    [
      'has too many values',
      'id,name\n1,a\n2,b,c\n',
      'SEED_BAD_ROW',
      'line 3: extra data after last expected column (22P04)\n  row: 2,b,c',
    ],
    [
      'has too few values',
      'id,name\n1,a\n2\n',
      'SEED_BAD_ROW',
      'line 3: missing data for column "name" (22P04)\n  row: 2',
    ],
    ['has an empty line', 'id,name\n1,a\n\n', 'SEED_BAD_ROW', 'line 3: missing data for column "name"'],
    [
      'has a value of the wrong type',
      'id,name,born\n1,a,\n2,b,31.02.2020\n',
      'SEED_BAD_ROW',
      'line 3, column "born": cannot take "31.02.2020": ',
    ],
    [
      'has a number out of range',
      'id,name,rank\n1,a,40000\n',
      'SEED_BAD_ROW',
      'line 2, column "rank": cannot take "40000": value "40000" is out of range for type smallint (22003)',
    ],
    [
      'has a missing value',
      'id,name\n1,a\n2,\n',
      'SEED_BAD_ROW',
      'line 3, column "name": null value in column "name"',
    ],
    [
      'breaks a check',
      'id,name,rank\n1,a,5\n2,"b\nb",100\n3,c,101\n',
      'SEED_BAD_ROW',
      'line 3: new row for relation "authors" violates check constraint "authors_rank_check" (23514)\n  row: id = "2", name = "b\\nb", rank = "100"',
    ],
    [
      'has an unknown column',
      'id,nmae\n1,a\n',
      'SEED_BAD_HEADER',
      'line 1: table "authors" has no column "nmae"',
    ],
    ['has a column twice', 'id,name,name\n1,a,b\n', 'SEED_BAD_HEADER', 'line 1: "name" stands twice'],
    ['has a column without a name', 'id,name,\n1,a,\n', 'SEED_BAD_HEADER', 'line 1: column 3 has no name'],
    [
      'lacks the key',
      'name\na\n',
      'SEED_BAD_HEADER',
      'line 1: "id", by which rows are found again, is missing',
    ],
    [
      'mixes line ends',
      'id,name\n1,a\n2,b\r\n3,c\n4,d\r5,e\n',
      'SEED_BAD_ROW',
      'unquoted carriage return found in data',
    ],
    [
      'has the old end mark',
      'id,name\n1,a\n\\.\n2,b\n',
      'SEED_BAD_CSV',
      'line 3: PostgreSQL takes the line \\. for the end of the data',
    ],
  ])('that %s is refused', async (_title, content, code, message) => {
    const error = await refuse(content);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).toContain('seeds/10_authors.csv');
  });

  it('names all faults of its header at once, with the nearest columns', async () => {
    const error = await refuse('ID,nmae,nmae,x;y\n');
    expect(error.message.split('\n').slice(0, 5)).toEqual([
      'seeds/10_authors.csv line 1: table "authors" has no column "ID"',
      'seeds/10_authors.csv line 1: table "authors" has no column "nmae"',
      'seeds/10_authors.csv line 1: "nmae" stands twice',
      'seeds/10_authors.csv line 1: table "authors" has no column "x;y"',
      'seeds/10_authors.csv line 1: "id", by which rows are found again, is missing',
    ]);
    expect(error.suggestions.slice(0, 3)).toEqual([
      'did you mean "id"?',
      'did you mean "name"?',
      'separate the columns by commas',
    ]);
  });

  it('for a table that is not there names the nearest', async () => {
    const error = await refuse('id,name\n', '10_autors.csv');
    expect(error).toMatchObject({
      code: 'SEED_TABLE_MISSING',
      message: expect.stringContaining('there is no table "autors"'),
    });
    expect(error.suggestions[0]).toContain('did you mean "authors"?');
  });

  it('for a view is refused', async () => {
    await bed().sql('CREATE VIEW people AS SELECT * FROM authors');
    expect((await refuse('id,name\n', '10_people.csv')).code).toBe('SEED_NOT_A_TABLE');
  });

  it.each(['30_books.xlsx', '30_books.CSV', '@id.csv', '30_a.b.c.csv', '30_x@id.sql'])(
    'named %s is refused',
    async (name) => {
      await bed().write(`seeds/${name}`, '');
      expect((await catchUserError(bed().seed())).message).toContain(
        `seeds/${name} is not named like a seed`,
      );
    },
  );
});

describe('the encoding', () => {
  it.each([
    [
      'Latin-1',
      Buffer.from('id,name\n1,a\n2,Jos\xe9\n', 'latin1'),
      'line 3: byte 18 of the file (0xe9) is not UTF-8',
    ],
    [
      'a cut character at the end',
      Buffer.from('id,name\n1,\xe2\x82', 'latin1'),
      'line 2: byte 11 of the file (0xe2) is not UTF-8',
    ],
    [
      'an overlong form',
      Buffer.from('id,name\n1,\xc0\xaf\n', 'latin1'),
      'line 2: byte 11 of the file (0xc0) is not UTF-8',
    ],
    ['NUL', 'id,name\n1,é\n2,b\0c\n', 'line 3: byte 17 of the file is NUL'],
    ['UTF-16', Buffer.from('\ufeffid,name\n1,a\n', 'utf16le'), 'seeds/10_authors.csv is UTF-16'],
  ])('%s is refused with line and byte', async (_title, content, message) => {
    const error = await refuse(content);
    expect(error.code).toBe('SEED_BAD_ENCODING');
    expect(error.message).toContain(message);
    await bed().remove('seeds/10_authors.csv');
    const json = Buffer.from(content as Buffer);
    expect((await catchUserError(bed().seedFile('10_authors.ndjson', json))).code).toMatch(/^SEED_BAD/);
  });

  it('may have characters at every place where chunks are cut', async () => {
    const name = 'é€😀'.repeat(150_000);
    for (const shift of ['', 'a', 'ab', 'abc']) {
      await bed().seedFile('10_authors.csv', `id,name\n1,${shift}${name}\n`);
      expect(await bed().sql('SELECT name = $1 AS same FROM authors', [shift + name])).toEqual([
        { same: true },
      ]);
    }
  });

  it.each([
    ['a byte order mark', '\ufeffid,name\n1,a\n'],
    ['CRLF', 'id,name\r\n1,a\r\n'],
    ['CR', 'id,name\r1,a\r'],
    ['no line end at the end', 'id,name\n1,a'],
    ['a quoted header', '"id","name"\n"1","a"\n'],
    ['a byte order mark before a quoted header', '\ufeff"id",name\n1,a\n'],
  ])('may have %s', async (_title, content) => {
    expect(await bed().seedFile('10_authors.csv', content)).toMatchObject({ rows: 1, inserted: 1 });
    expect(await bed().sql('SELECT id, name FROM authors')).toEqual([{ id: 1, name: 'a' }]);
  });

  it('may be a header alone', async () => {
    expect(await bed().seedFile('10_authors.csv', 'id,name\n')).toMatchObject({ rows: 0, inserted: 0 });
    expect(await bed().seedFile('10_authors.csv', 'id,name')).toMatchObject({ rows: 0, inserted: 0 });
  });
});

describe('the line of a row', () => {
  it.each([
    ['LF', 'id,name,rank\n1,"a\n\nb",1\n2,c,1\n3,"d\ne",x\n', 6],
    ['CRLF', 'id,name,rank\r\n1,"a\r\n\r\nb",1\r\n2,c,1\r\n3,"d\r\ne",x\r\n', 6],
    ['LF inside CRLF, as Excel writes', 'id,name,rank\r\n1,"a\n\nb",1\r\n2,c,1\r\n3,"d\ne",x\r\n', 6],
    ['CRLF inside LF', 'id,name,rank\n1,"a\r\n\r\nb",1\n2,c,1\n3,"d\r\ne",x\n', 6],
    ['CR', 'id,name,rank\r1,"a\r\rb",1\r2,c,1\r3,"d\re",x\r', 6],
    ['a header over two lines', 'id,name,"ra\nnk"\n1,a,1\n2,b,x\n', 4],
  ])('is where it begins in the file, line ends in values counted: %s', async (title, content, line) => {
    if (title.startsWith('a header')) await bed().sql('ALTER TABLE authors RENAME rank TO "ra\nnk"');
    expect((await refuse(content)).message).toContain(`seeds/10_authors.csv line ${line}, column "ra`);
  });

  it('is found among many', async () => {
    const rows = Array.from(
      { length: 20_000 },
      (_, index) => `${index},"name\n${index}",${index === 12_345 ? 100 : 5}`,
    );
    expect((await refuse(`id,name,rank\n${rows.join('\n')}\n`)).message).toContain(
      `line ${2 + 2 * 12_345}: new row`,
    );
  });
});

describe('an open quote', () => {
  it.each([
    ['in the middle', 'id,name\n1,a\n2,"b\n3,"c"\n4,"d"\n5,e\n', 3],
    ['after a value with line ends', 'id,name\n1,"a\nb"\n2,"c\n3,d\n', 4],
    ['in the last line', 'id,name\n1,a\n2,"b', 3],
    ['in a row that has a good one', 'id,name,mood\n1,"a","b\n2,"c","d"\n', 2],
    ['after a doubled quote', 'id,name\n1,"a""b"\n2,"c""\n3,"d"\n', 3],
    ['in the header', 'id,"name\n1,a\n', 1],
  ])('%s is reported where it opened', async (_title, content, line) => {
    const error = await refuse(content);
    expect(error.code).toBe('SEED_BAD_CSV');
    expect(error.message).toContain(`seeds/10_authors.csv line ${line}: a quote opens here and never closes`);
  });

  it('does not swallow a large file: a row has a longest length', async () => {
    const rest = `${'x'.repeat(99)}\n`.repeat(40_000);
    await bed().write('seeds/10_authors.csv', `id,name\n1,a\n2,"b\n${rest}`);
    const error = await catchUserError(bed().seed({ longestRecordBytes: 1024 * 1024 }));
    expect(error.code).toBe('SEED_ROW_TOO_LONG');
    expect(error.message).toContain(
      'seeds/10_authors.csv line 3: the row is longer than 1 MiB; perhaps in line 3: a quote opens here',
    );
  });

  it.each([
    ['10_authors.csv', 'id,name\n1,a\n2,', 3],
    ['10_authors.ndjson', '{"id":1,"name":"a"}\n{"id":2,"name":"', 2],
    ['10_authors.json', '[{"id":1,"name":"a"},\n\n{"id":2,"name":"', 3],
  ])('and a line of 100 MB in %s is refused by the usual limit', async (name, start, line) => {
    const error = await refuse(Buffer.concat([Buffer.from(start), Buffer.alloc(100_000_000, 'x')]), name);
    expect(error.code).toBe('SEED_ROW_TOO_LONG');
    expect(error.message).toContain(`seeds/${name} line ${line}: the row is longer than 16 MiB`);
  });

  it('and a row of the longest length is taken', async () => {
    const scan = startScan(0, 1);
    expect(scanCsv(scan, Buffer.from('123456789\n123456789\n'), 0x0a, 10)).toBe(true);
    expect(scanCsv(startScan(0, 1), Buffer.from('1234567890\n'), 0x0a, 10)).toBe(false);
  });
});

describe('a row that refers to another', () => {
  it('is named with its line and value when the other is not there', async () => {
    await bed().sql(`INSERT INTO authors VALUES (1, 'a')`);
    const error = await catchUserError(bed().seedFile('20_books.csv', 'id,author_id\n1,1\n2,\n3,9\n'));
    expect(error.message).toContain(
      'seeds/20_books.csv line 4, column "author_id": insert or update on table "books" violates foreign key constraint',
    );
    expect(error.message).toContain(
      '  row: author_id = "9"\n  detail: Key (author_id)=(9) is not present in table "authors".',
    );
  });

  it('may stand before it in the same file', async () => {
    expect(await bed().seedFile('20_books.csv', 'id,next\n1,2\n2,3\n3,\n')).toMatchObject({ inserted: 3 });
    const error = await catchUserError(
      bed().seedFile('20_books.csv', 'id,next\n11,12\n12,13\n13,99\n14,1\n'),
    );
    expect(error.message).toContain('seeds/20_books.csv line 4, column "next"');
  });

  it('is found although its constraint is deferred', async () => {
    await bed().sql('ALTER TABLE books ALTER CONSTRAINT books_author_id_fkey DEFERRABLE INITIALLY DEFERRED');
    const error = await catchUserError(bed().seedFile('20_books.csv', 'id,author_id\n1,\n2,7\n'));
    expect(error.message).toContain('seeds/20_books.csv line 3, column "author_id"');
  });
});

describe('other refusals by the table', () => {
  it('of a second unique key name the row, also against rows that are there', async () => {
    const twice = await catchUserError(bed().seedFile('20_books.csv', 'id,slug\n1,a\n2,b\n3,a\n'));
    expect(twice.message).toContain(
      'seeds/20_books.csv line 4: duplicate key value violates unique constraint "books_slug_key" (23505)',
    );
    expect(twice.message).toContain('row: id = "3", slug = "a"');
    await bed().sql(`INSERT INTO books VALUES (10, NULL, 'b')`);
    const taken = await catchUserError(bed().seedFile('20_books.csv', 'id,slug\n1,a\n2,b\n'));
    expect(taken.message).toContain('seeds/20_books.csv line 3: duplicate key value');
  });

  it('by a trigger name the row and the trigger', async () => {
    await bed().sql(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.name = 'bad' THEN RAISE EXCEPTION 'no % here', NEW.name; END IF; RETURN NEW; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON authors FOR EACH ROW EXECUTE FUNCTION refuse()`);
    const error = await refuse('id,name\n1,a\n2,b\n3,bad\n4,d\n');
    expect(error.message).toContain('seeds/10_authors.csv line 4: no bad here (P0001)');
    expect(error.message).toContain('where: PL/pgSQL function refuse()');
  });

  it('by an exclusion constraint name the row', async () => {
    await bed().sql(
      'CREATE TABLE stays (id int PRIMARY KEY, days daterange, EXCLUDE USING gist (days WITH &&))',
    );
    const error = await catchUserError(
      bed().seedFile(
        '10_stays.csv',
        'id,days\n1,"[2026-01-01,2026-01-05)"\n2,"[2026-01-05,2026-01-09)"\n3,"[2026-01-08,2026-01-10)"\n',
      ),
    );
    expect(error.message).toContain(
      'seeds/10_stays.csv line 4: conflicting key value violates exclusion constraint',
    );
  });

  it('for want of a right are not blamed on a row', async () => {
    await bed().adminSql('CREATE TABLE foreign_table (id int PRIMARY KEY)');
    const error = await catchUserError(bed().seedFile('10_foreign_table.csv', 'id\n1\n'));
    expect(error).toMatchObject({ code: 'SEED_FAILED' });
    expect(error.message).toContain(
      'seeds/10_foreign_table.csv: permission denied for table foreign_table (42501)',
    );
  });

  it('of an update name the row', async () => {
    await bed().seedFile('10_authors.csv', 'id,name,rank\n1,a,1\n2,b,1\n');
    const error = await catchUserError(
      bed().seedFile('10_authors.csv', 'id,name,rank\n1,a,1\n3,c,1\n2,b,100\n'),
    );
    expect(error.message).toContain(
      'seeds/10_authors.csv line 4: new row for relation "authors" violates check constraint',
    );
    expect(await bed().sql('SELECT id FROM authors ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
  });
});
