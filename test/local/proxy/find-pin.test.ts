import { describe, expect, test } from 'vitest';
import { findPin } from '../../../src/local/proxy/find-pin.ts';

const cause = (sql: string) => findPin(sql)?.cause;

describe('what pins', () => {
  test.each([
    ['SET search_path TO a, b', 'set'],
    ['set session work_mem = 1', 'set'],
    ["SET TIME ZONE 'UTC'", 'set'],
    ['SET ROLE other', 'set'],
    ['RESET ALL', 'set'],
    ["select set_config('jit', 'off', false)", 'set'],
    ["select pg_catalog.set_config('a.b', coalesce($1, (select 'x')), $2)", 'set'],
    ['/* a /* nested */ comment */ -- and a line\n  SeT a.b = 1', 'set'],
    ['begin; set local a.b = 1; set a.b = 2; commit', 'set'],
    ['PREPARE p AS SELECT 1', 'prepared-statement'],
    ['execute p(1)', 'prepared-statement'],
    ['DEALLOCATE ALL', 'prepared-statement'],
    ['DISCARD ALL', 'discard'],
    ['CREATE TEMP TABLE t (a int)', 'temporary-object'],
    ['create local temporary table if not exists t as select 1', 'temporary-object'],
    ['CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1', 'temporary-object'],
    ['create temp recursive view v (n) as select 1', 'temporary-object'],
    ['CREATE TEMPORARY SEQUENCE s', 'temporary-object'],
    ['create table pg_temp.t (a int)', 'temporary-object'],
    ['create table if not exists pg_temp.t (a int)', 'temporary-object'],
    ['select 1 as a into temp t', 'temporary-object'],
    ['with x as (select 1 as a) select a into local temporary t from x', 'temporary-object'],
    ['DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'cursor'],
    ['declare c no scroll cursor for select 1', 'cursor'],
    ['LISTEN books', 'listen'],
    ["LOAD 'auto_explain'", 'load'],
    ["select nextval('s')", 'sequence'],
    ["insert into t values (pg_catalog . nextval ('s'))", 'sequence'],
    ['select lastval()', 'sequence'],
    ['create table t as select nextval($1)', 'sequence'],
    ['explain analyze select setval($1, 1)', 'sequence'],
    ['select pg_advisory_lock(1)', 'advisory-lock'],
    ['select "pg_try_advisory_lock"(1)', 'advisory-lock'],
    ['do $$ begin end $$; select pg_advisory_unlock_all()', 'advisory-lock'],
  ])('%s', (sql, expected) => {
    expect(cause(sql)).toBe(expected);
  });
});

describe('what does not pin', () => {
  test.each([
    '',
    ' ;; ',
    'SELECT 1',
    "select 'SET a = 1; LISTEN x'",
    "select E'it\\'s; SET a = 1'",
    "select U&'; set a = 1'",
    'select $$; SET a = 1;$$, $tag$ $$ ; listen x $tag$',
    'select 1 -- ; SET a = 1',
    'select 1 /* ; SET /* */ a = 1; */',
    'select "set", "; listen x" from "nextval"',
    'select nextval from t',
    "select 'nextval('",
    'update t set a = 1',
    'select $1::text, $2',
    'SET LOCAL work_mem = 1',
    'set transaction isolation level serializable',
    'set constraints all deferred',
    "prepare transaction 'x'",
    "select set_config('a.b', 'c', true)",
    'BEGIN',
    'commit',
    'fetch 1 from c',
    'close c',
    'notify books',
    'unlisten *',
    'create table temp (a int)',
    "create table t (id int default nextval('s'))",
    "alter table t alter column id set default nextval('s')",
    'create unlogged table t (a int)',
    'insert into temporary values (1)'.replace('temporary', '"temporary"'),
    'create function f() returns int language sql begin atomic select 1; end',
    "create function f() returns bigint language sql as 'select pg_advisory_lock(1)'",
    'select pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2)',
    'lock table t',
    'copy t from stdin',
    'do $$ begin perform pg_advisory_lock(1); end $$',
    'call p()',
    "select '",
    'select $a$ never closed; set a = 1',
    'show search_path',
  ])('%s', (sql) => {
    expect(findPin(sql)).toBeUndefined();
  });
});

test.each([
  ["set search_path to 'a', b", 'set search_path to $1,$2'],
  ["SET search_path = 'public'; SET NAMES 'UTF8'", 'set search_path = $1; set names $2'],
  ["select set_config('app.user', 'secret', false)", 'select set_config($1,$2,false)'],
])('the digest of %s holds no value', (sql, expected) => {
  expect(findPin(sql)?.reason).toContain(`Digest: "${expected}".`);
});

test('a long text takes no more than its share of time', () => {
  expect(findPin(`select ${"'a', ".repeat(3_000)} 1`)).toBeUndefined();
  expect(findPin(`${'/*'.repeat(8_000)}`)).toBeUndefined();
});
