import { quoteIdentifier, quoteLiteral } from '../database/identifier.ts';
import type { Client } from '../database/with-client.ts';
import { UserError } from '../errors.ts';
import { describePlace, show } from './explain-row.ts';
import { absentColumn, type RowsLoad } from './seed-rows.ts';
import { findStagedRow, stagingSql } from './staging.ts';

/*
 * What no constraint of the table would find, or not before something was written. Each looks once over the staged
 * rows, and for the row's number only when there is a fault.
 */

/** @throws UserError SEED_DUPLICATE_KEY naming both lines and the key */
export async function refuseDuplicateKeys(client: Client, { seed, table, rows }: RowsLoad): Promise<void> {
  const key = table.key.map(quoteIdentifier).join(', ');
  const { rows: found } = await client.query<{ first: string }>(
    `SELECT min(ctid)::text AS first FROM ${stagingSql} GROUP BY ${key} HAVING count(*) > 1 LIMIT 1`,
  );
  const first = found[0]?.first;
  if (first === undefined) return;
  const same = table.key
    .map((name) => `s.${quoteIdentifier(name)} = o.${quoteIdentifier(name)}`)
    .join(' AND ');
  const twins = `EXISTS (SELECT FROM ${stagingSql} o WHERE o.ctid = $1 AND ${same})`;
  const firstRow = await findStagedRow(client, twins, [first]);
  const secondRow = await findStagedRow(client, `${twins} AND "lambdapg row" > $2`, [first, firstRow]);
  const [one, two] = [await rows.locate(firstRow ?? 0), await rows.locate(secondRow ?? 0)];
  const value = table.key.map((name) => `${name} = ${show(one?.values.get(name) ?? '')}`).join(', ');
  throw new UserError(
    'SEED_DUPLICATE_KEY',
    `${describePlace(seed.path, two, undefined)}: the key ${value} stands on line ${one?.line} already`,
  );
}

/** NULL is found again by no key. @throws UserError SEED_NO_KEY_VALUE */
export async function refuseNullKeys(client: Client, { seed, table, rows }: RowsLoad): Promise<void> {
  for (const name of table.key) {
    const isNull = `s.${quoteIdentifier(name)} IS NULL`;
    const { rows: found } = await client.query(`SELECT FROM ${stagingSql} s WHERE ${isNull} LIMIT 1`);
    if (found.length === 0) continue;
    const row = await rows.locate((await findStagedRow(client, isNull)) ?? 0);
    throw new UserError(
      'SEED_NO_KEY_VALUE',
      `${describePlace(seed.path, row, name)}: the key is empty, so the row could not be found again`,
    );
  }
}

/** `GENERATED ALWAYS AS IDENTITY` can be given once, never changed. @throws UserError SEED_IDENTITY_CHANGED */
export async function refuseIdentityChanges(client: Client, { seed, table, rows }: RowsLoad): Promise<void> {
  const { present, sometimesAbsent } = rows.findColumns();
  const same = table.key
    .map((name) => `t.${quoteIdentifier(name)} = s.${quoteIdentifier(name)}`)
    .join(' AND ');
  for (const name of present) {
    if (table.columns.get(name)?.identityAlways !== true || table.key.includes(name)) continue;
    const given = sometimesAbsent.includes(name)
      ? ` AND ${quoteLiteral(name)} = ANY (s.${quoteIdentifier(absentColumn)}) IS NOT TRUE`
      : '';
    const differs = `EXISTS (SELECT FROM ${table.sql} t WHERE ${same} AND t.${quoteIdentifier(name)} IS DISTINCT FROM s.${quoteIdentifier(name)})${given}`;
    const { rows: found } = await client.query(`SELECT FROM ${stagingSql} s WHERE ${differs} LIMIT 1`);
    if (found.length === 0) continue;
    const row = await rows.locate((await findStagedRow(client, differs)) ?? 0);
    throw new UserError(
      'SEED_IDENTITY_CHANGED',
      `${describePlace(seed.path, row, name)}: ${show(row?.values.get(name) ?? '')} differs from the table, and an identity that is always generated cannot be changed`,
    );
  }
}
