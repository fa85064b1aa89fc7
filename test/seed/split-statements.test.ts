import { describe, expect, it } from 'vitest';
import { splitStatements } from '../../src/seed/split-statements.ts';

const texts = (sql: string): string[] => splitStatements(sql).statements.map(({ text }) => text);

const cases: [title: string, sql: string, expected: string[]][] = [
  ['nothing', '', []],
  ['blanks and comments only', ' -- a;\n/* b; */\n', []],
  ['empty statements', ';; ;', []],
  ['two statements', 'SELECT 1;\nSELECT 2', ['SELECT 1', 'SELECT 2']],
  ['a comment before', '-- one;\nSELECT 1;', ['SELECT 1']],
  ['a comment inside', 'SELECT 1 -- ;\n+ 1;', ['SELECT 1 -- ;\n+ 1']],
  ['a comment at the end of a file', 'SELECT 1 --;', ['SELECT 1 --;']],
  ['a string', "SELECT ';'; SELECT 2", ["SELECT ';'", 'SELECT 2']],
  ['a doubled quote', "SELECT 'it''s;'; SELECT 2", ["SELECT 'it''s;'", 'SELECT 2']],
  ['a backslash in a plain string', "SELECT '\\'; SELECT 2", ["SELECT '\\'", 'SELECT 2']],
  ['a backslash in an E string', "SELECT E'\\';'; SELECT 2", ["SELECT E'\\';'", 'SELECT 2']],
  ['an E string that goes on', "SELECT E'a'\n  'b\\';'; SELECT 2", ["SELECT E'a'\n  'b\\';'", 'SELECT 2']],
  ['an E string that ends on its line', "SELECT E'a' 'b\\'; SELECT 2", ["SELECT E'a' 'b\\'", 'SELECT 2']],
  ['a name that ends in e before a string', "SELECT type'a\\'; SELECT 2", ["SELECT type'a\\'", 'SELECT 2']],
  ['U& and N strings', "SELECT U&'\\0061;', N';'; SELECT 2", ["SELECT U&'\\0061;', N';'", 'SELECT 2']],
  ['a quoted name', 'SELECT "a;""b"; SELECT 2', ['SELECT "a;""b"', 'SELECT 2']],
  ['a dollar quote', 'DO $$ BEGIN; END $$; SELECT 2', ['DO $$ BEGIN; END $$', 'SELECT 2']],
  ['a dollar quote with a tag', 'DO $a$ $$;$b$ $a$; SELECT 2', ['DO $a$ $$;$b$ $a$', 'SELECT 2']],
  ['a dollar quote with an umlaut', 'SELECT $ä$;$ä$; SELECT 2', ['SELECT $ä$;$ä$', 'SELECT 2']],
  ['a dollar inside a name', 'SELECT a$b$; SELECT $b', ['SELECT a$b$', 'SELECT $b']],
  ['a parameter', 'PREPARE p AS SELECT $1; SELECT 2', ['PREPARE p AS SELECT $1', 'SELECT 2']],
  [
    'a nested comment',
    'SELECT /* a /* b; */ c; */ 1; SELECT 2',
    ['SELECT /* a /* b; */ c; */ 1', 'SELECT 2'],
  ],
  ['quotes in a comment', "SELECT 1 /* it's */; SELECT 2", ["SELECT 1 /* it's */", 'SELECT 2']],
  ['comments in a string', "SELECT '/*', '--'; SELECT 2", ["SELECT '/*', '--'", 'SELECT 2']],
  ['a division', 'SELECT 4/2; SELECT 2', ['SELECT 4/2', 'SELECT 2']],
  [
    'a rule',
    'CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b); SELECT 2',
    ['CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b)', 'SELECT 2'],
  ],
  [
    'a body in SQL',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2',
    [
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END',
      'SELECT 2',
    ],
  ],
  [
    'a procedure, replaced',
    'create or replace procedure p() begin atomic insert into t values (1); end; select 2',
    ['create or replace procedure p() begin atomic insert into t values (1); end', 'select 2'],
  ],
  [
    'a function named begin',
    'CREATE FUNCTION begin() RETURNS int RETURN 1; SELECT 2',
    ['CREATE FUNCTION begin() RETURNS int RETURN 1', 'SELECT 2'],
  ],
  [
    'BEGIN ATOMIC in a comment of a table',
    'COMMENT ON TABLE t IS $$BEGIN ATOMIC$$; SELECT 2',
    ['COMMENT ON TABLE t IS $$BEGIN ATOMIC$$', 'SELECT 2'],
  ],
  ['CRLF', 'SELECT 1;\r\n-- x\r\nSELECT 2;\r\n', ['SELECT 1', 'SELECT 2']],
  ['no-break space belongs to a name', 'SELECT 1 AS\u00a0;', ['SELECT 1 AS\u00a0']],
];

describe('splitStatements', () => {
  it.each(cases)('%s', (_title, sql, expected) => {
    expect(texts(sql)).toEqual(expected);
  });

  it.each([
    ["SELECT 1;\nSELECT 'abc;\n", 17, 'a string begins here and never ends'],
    ['SELECT 1; SELECT "abc;', 17, 'a quoted name begins here and never ends'],
    ['SELECT /* a /* b */;', 7, 'a comment begins here and never ends'],
    ["SELECT E'a\\';", 8, 'a string begins here and never ends'],
    ['DO $x$ BEGIN END $y$;', 3, 'a $x$ quote begins here and never ends'],
    ['SELECT 1;\n\\connect other\n', 10, '\\connect is a command of psql, not SQL'],
    ['SELECT 1 \\gset', 9, '\\gset is a command of psql, not SQL'],
    [
      'COPY t (a, "b") FROM stdin;\n1\t2\n\\.\n',
      0,
      "COPY from stdin or to stdout is psql's; put the rows into a CSV seed",
    ],
  ])('finds the fault of %j where it begins', (sql, offset, message) => {
    expect(splitStatements(sql).fault).toEqual({ offset, message });
  });

  it('takes COPY from a file for SQL', () => {
    expect(splitStatements("COPY t FROM '/tmp/stdin'").fault).toBeUndefined();
  });

  it('knows where each statement begins', () => {
    const sql = '-- a\n  SELECT 1;\n\n/* b */ SELECT 2;';
    expect(splitStatements(sql).statements.map(({ start }) => sql.slice(start, start + 8))).toEqual([
      'SELECT 1',
      'SELECT 2',
    ]);
  });

  it('gives the input back when its pieces are put together, whatever the input', () => {
    const next = randomNumbers(20_261_121);
    const alphabet = [
      "'",
      '"',
      ';',
      '$$',
      '$a$',
      '--',
      '/*',
      '*/',
      '\n',
      ' ',
      '(',
      ')',
      'E',
      'BEGIN ATOMIC',
      'END',
      'CASE',
      'x',
      '1',
      '\\',
      'CREATE FUNCTION',
      'ü',
      '😀',
    ];
    for (let run = 0; run < 3_000; run += 1) {
      const sql = Array.from({ length: next(25) }, () => alphabet[next(alphabet.length)]).join('');
      const { statements, rest } = splitStatements(sql);
      expect(statements.map(({ source }) => source).join('') + rest).toBe(sql);
      for (const { text, start } of statements) expect(sql.startsWith(text, start)).toBe(true);
    }
  });

  it('needs time in proportion to the length', () => {
    const sql = `INSERT INTO t VALUES ${Array.from({ length: 100_000 }, (_, i) => `(${i}, 'it''s', E'\\n')`).join(',')};`;
    expect(texts(sql)).toHaveLength(1);
  });
});

/** A small generator with a seed, so that a failure can be repeated. */
function randomNumbers(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
