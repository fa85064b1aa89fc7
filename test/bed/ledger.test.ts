import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeCertificatesCommand, RDSClient } from '@aws-sdk/client-rds';
import { expect, test } from 'vitest';
import { startBed } from './bed.ts';
import { clientOptions, errorOf } from './sdk.ts';

const here = import.meta.dirname;
const textOf = (file: string): string => readFileSync(join(here, file), 'utf8');

test('every repair has a row, and every row a test that plain moto differs', async () => {
  const rows = [...textOf('LEDGER.md').matchAll(/^\| ([a-z][\w.-]*-[\w.-]+) +\| [^|]+ \| (.+?) +\|$/gm)];
  const tests = readdirSync(here)
    .filter((file) => file.endsWith('.test.ts'))
    .map(textOf)
    .join('\n');
  const bed = await startBed();
  const registered = (await (await fetch(`${bed.endpoint}/_gate/ledger`)).json()) as string[];
  await bed.stop();
  expect(rows.map(([, id]) => id).sort()).toEqual([...registered].sort());
  const untested = rows.filter(([, id]) => !tests.includes(`'${id}'`) && !tests.includes(`ledger ${id}:`));
  expect(untested.map(([, id]) => id)).toEqual([]);
  expect(rows.filter(([, , source]) => !/^(https:\/\/|none: )/.test(source!))).toEqual([]);
});

test('ledger not-implemented: what moto lacks is said in the wire format of the service', async () => {
  const bed = await startBed();
  const ask = (plain: boolean) =>
    errorOf(new RDSClient(clientOptions(bed, { plain })).send(new DescribeCertificatesCommand({})));
  expect(await ask(false)).toMatchObject({ name: 'NotImplemented', $metadata: { httpStatusCode: 501 } });
  expect(await ask(true)).not.toMatchObject({ name: 'NotImplemented' });
  await bed.stop();
});
