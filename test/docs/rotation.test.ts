import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cloudFlags, policyFlag, routeFlags } from '../../src/cloud-flags.ts';
import { exitCodes } from '../../src/errors.ts';
import { parseConfig } from '../../src/project/parse-config.ts';
import { claimText } from '../../src/rotation/guarantee.ts';
import { claims, guarantees } from '../../src/rotation/guarantee-table.ts';
import { rotationFlags } from '../../src/rotation-flags.ts';

const file = fileURLToPath(new URL('../../docs/rotation.md', import.meta.url));
const page = () => readFile(file, 'utf8');
const [begin, end] = [
  '<!-- guarantees: compared with src/rotation/guarantee-table.ts -->',
  '<!-- /guarantees -->',
];

function tableOf(): string {
  const rows = guarantees.map(({ topologies, strategy, ways, claim, proof, why }) => {
    const said = claim === 'zero' ? '**zero**' : claim;
    const who = ways.length === 6 ? 'all' : ways.join(', ');
    return `| ${topologies.join(', ')} | ${strategy} | ${who} | ${said} | ${proof} | ${why} |`;
  });
  const words = claims.map((claim) => `${claim}: ${claimText[claim]}`).join('; ');
  return [
    '| between | strategy | consumers | claim | proof of each run | why |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    `${words}.`,
  ].join('\n');
}

test('the table of claims is the one that reports use (LAMBDAPG_WRITE_DOCS=1 writes it)', async () => {
  const text = await page();
  const [head = '', rest = ''] = text.split(begin);
  const [, tail = ''] = rest.split(end);
  const wanted = `${head}${begin}\n\n${tableOf()}\n\n${end}${tail}`;
  if (process.env.LAMBDAPG_WRITE_DOCS === '1') await writeFile(file, wanted);
  expect(await page()).toBe(wanted);
});

test('every command on the page exists, with its flags', async () => {
  const text = await page();
  const all = { ...cloudFlags, ...rotationFlags, ...routeFlags, ...policyFlag };
  const flags = new Set([...Object.keys(all), 'yes', 'json']);
  const lines = [...text.matchAll(/lambdapg rotate-creds[^\n`#]*/g)].map(([line]) => line);
  expect(lines.length).toBeGreaterThan(20);
  const named = [...text.matchAll(/(?<![\w-])--([a-z][a-z-]+)/g)].map(([, flag = '']) => flag);
  expect([...new Set(named)].filter((flag) => !flags.has(flag))).toEqual([]);
  // What is on the command and not on the page has been forgotten.
  const shared = ['stage', 'region', 'profile', 'db-host-map', 'route', 'json', 'patience'];
  const silent = [...flags].filter((flag) => !named.includes(flag) && !shared.includes(flag));
  expect(silent).toEqual([]);
});

test('each exit code is on the page', async () => {
  const listed = [...(await page()).matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(listed.sort((a, b) => a - b)).toEqual(Object.values(exitCodes).sort((a, b) => a - b));
});

test('the consumers of the page are what lambdapg.json takes', async () => {
  const [, json = '{}'] = /```json\n([\s\S]*?)```/.exec(await page()) ?? [];
  const config = {
    ...{ name: 'shop', template: 'api-node', language: 'node', runtime: 'nodejs24.x' },
    ...{ functions: {}, ...JSON.parse(json) },
  };
  expect(parseConfig(JSON.stringify(config), 'lambdapg.json').cloud.rotation.consumers).toHaveLength(5);
});

test('each code on the page is one of lambdapg', async () => {
  const src = fileURLToPath(new URL('../../src', import.meta.url));
  const files = (await readdir(src, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const text = (await Promise.all(files.map((name) => readFile(join(src, name), 'utf8')))).join('\n');
  const codes = [...(await page()).matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code = '']) => code);
  expect(codes.length).toBeGreaterThan(10);
  expect([...new Set(codes)].filter((code) => !text.includes(`'${code}'`))).toEqual([]);
});
