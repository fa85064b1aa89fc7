import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { applyHostMap, parseHostMap } from '../../src/database/host-map.ts';
import type { ConnectionTarget } from '../../src/database/target.ts';
import { withClient } from '../../src/database/with-client.ts';
import { UserError } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';
import { makeTempDir, startTestPostgres } from '../postgres-server.ts';

const target: ConnectionTarget = {
  host: 'db.example.com',
  port: 5432,
  database: 'app',
  user: 'ann',
  password: new Secret('x'),
  tls: {},
};

describe('parseHostMap', () => {
  test.each([
    ['db.example.com=127.0.0.1:5433', { host: '127.0.0.1', port: 5433 }],
    ['other=1.2.3.4, db.example.com = localhost:15432', { host: 'localhost', port: 15432 }],
    ['DB.Example.Com.=bastion', { host: 'bastion' }],
    ['db.example.com=[::1]:5433', { host: '::1', port: 5433 }],
    ['db.example.com=::1', { host: '::1' }],
    ['other=1.2.3.4', undefined],
    ['', undefined],
  ])('%s', async (flag, place) => {
    expect(await parseHostMap({ flags: [flag] }).find('db.example.com')).toEqual(place);
    expect(await parseHostMap({ variable: flag }).find('db.example.com')).toEqual(place);
  });

  test.each([
    ['db.example.com', '"db.example.com" is not name=host:port'],
    ['=127.0.0.1:5433', '"=127.0.0.1:5433" is not name=host:port'],
    ['db=', '"db=" is not name=host:port'],
    ['a=b=c', '"a=b=c" is not name=host:port'],
    ['db=host:99999', '99999 in "db=host:99999" is no port'],
    ['db=host:0', '0 in "db=host:0" is no port'],
    ['db=host:port', '"host:port" in "db=host:port" is not host:port'],
    ['db=postgres://x', '"postgres://x" in "db=postgres://x" is not host:port'],
    ['db:5432=127.0.0.1', '"db:5432" is no host name'],
    ['db=[127.0.0.1]:1', '"[127.0.0.1]:1" in "db=[127.0.0.1]:1" is not host:port'],
  ])('%s is refused', (flag, message) => {
    const parse = () => parseHostMap({ flags: ['good=1.2.3.4', flag] });
    expect(parse).toThrow(UserError);
    expect(parse).toThrow(expect.objectContaining({ code: 'BAD_HOST_MAP', exit: 2 }));
    expect(parse).toThrow(`--db-host-map: ${message}`);
    expect(() => parseHostMap({ config: { 'db.example.com': 'a:b' } })).toThrow('lambdapg.json');
  });

  test('flag before variable before configuration', async () => {
    const config = { a: 'config', b: 'config', c: 'config' };
    const map = parseHostMap({ flags: ['a=flag'], variable: 'a=variable,b=variable', config });
    const found = await Promise.all(['a', 'b', 'c', 'd'].map((name) => map.find(name)));
    expect(found.map((place) => place?.host)).toEqual(['flag', 'variable', 'config', undefined]);
  });

  test('@file is read at each look-up; its faults name it', async () => {
    const folder = await makeTempDir();
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'map');
    const map = parseHostMap({ variable: `@${file}` });
    await expect(map.find('a')).rejects.toMatchObject({ code: 'BAD_HOST_MAP', exit: 2 });
    await writeFile(file, '# tunnels\na=1.1.1.1:1\r\n\nb=2.2.2.2 # the other\n');
    expect(await map.find('a')).toEqual({ host: '1.1.1.1', port: 1 });
    expect(await map.find('b')).toEqual({ host: '2.2.2.2' });
    await writeFile(file, 'a=3.3.3.3:3\nc\n');
    await expect(map.find('a')).rejects.toThrow(`the file "${file}" of LAMBDAPG_DB_HOST_MAP: "c" is not`);
  });
});

describe('applyHostMap', () => {
  test('dials elsewhere and keeps the name for the certificate', async () => {
    const map = parseHostMap({ flags: ['db.example.com=127.0.0.1:5433'] });
    expect(await applyHostMap(target, map)).toEqual({
      ...target,
      host: '127.0.0.1',
      port: 5433,
      tls: { name: 'db.example.com' },
    });
    expect(await applyHostMap({ ...target, host: 'other' }, map)).toEqual({ ...target, host: 'other' });
    expect((await applyHostMap({ ...target, tls: false }, map)).tls).toBe(false);
  });

  test('a server whose certificate is for another name is refused', async () => {
    const { local, cleanUp } = await startTestPostgres();
    onTestFinished(cleanUp);
    const { admin } = local;
    const ask = async (name: string): Promise<unknown> => {
      const map = parseHostMap({ flags: [`${name}=127.0.0.1:${admin.port}`] });
      const mapped = await applyHostMap({ ...admin, host: name, port: 1 }, map);
      return withClient(mapped, { applicationName: 'test' }, async (client) => {
        const { rows } = await client.query('SELECT 1 AS one');
        return rows;
      });
    };
    expect(await ask('localhost')).toEqual([{ one: 1 }]);
    await expect(ask('db.example.com')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });
});
