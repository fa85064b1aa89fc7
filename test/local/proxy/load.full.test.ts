import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { startPgBouncer } from './pgbouncer.ts';
import { clientConfig, type ProxyBed, socketOf, startProxyBed } from './proxy-bed.ts';

let bed: ProxyBed;
beforeAll(async () => {
  bed = await startProxyBed();
  await bed.admin('create table accounts (id int primary key, balance int not null)');
  await bed.admin('insert into accounts select at, 100 from generate_series(0, 49) at');
  await bed.admin('grant all on accounts to library_app');
});
afterAll(() => bed.cleanUp());

const clients = 100;

async function withClient<T>(target: ConnectionTarget, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(clientConfig(target));
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    void client.end().catch(() => {});
  }
}

const pick = (below: number): number => Math.floor(Math.random() * below);

/** Moves money for a while, in transactions that commit, roll back, fail, or are left by their client. */
async function moveMoney(target: ConnectionTarget, rounds: number): Promise<number> {
  let moved = 0;
  while (moved < rounds) {
    await withClient(target, async (client) => {
      while (moved < rounds) {
        moved += 1;
        const nonce = pick(1_000_000_000);
        const [from, to] = [pick(50), pick(50)].sort((a, b) => a - b);
        await client.query('begin');
        const { rows } = await client.query('select $1::int as nonce, txid_current()::text as id', [nonce]);
        expect(rows[0].nonce).toBe(nonce);
        await client.query('update accounts set balance = balance - 1 where id = $1', [from]);
        const how = pick(20);
        if (how === 0) return socketOf(client).destroy();
        if (how === 1) await client.query('select 1/0').catch(() => {});
        else await client.query('update accounts set balance = balance + 1 where id = $1', [to]);
        if (how > 1)
          expect((await client.query('select txid_current()::text as id')).rows[0].id).toBe(rows[0].id);
        await client.query(how === 2 ? 'rollback' : 'commit');
        if (how === 3) void client.query('select pg_sleep(10)').catch(() => {});
        if (how === 3) return socketOf(client).destroy();
      }
      return undefined;
    });
  }
  return moved;
}

/** Each client remembers who it is in its session. @returns how many were told that they are somebody else */
async function keepState(target: ConnectionTarget): Promise<number> {
  const wrong = await Promise.all(
    Array.from({ length: clients }, (_, at) =>
      withClient(target, async (client) => {
        let mistakes = 0;
        await client.query(`set app.me = '${at}'`);
        for (let round = 0; round < 20; round += 1) {
          const { rows } = await client.query("select current_setting('app.me', true) as me");
          if (rows[0].me !== String(at)) mistakes += 1;
        }
        return mistakes;
      }),
    ),
  );
  return wrong.reduce((sum, mistakes) => sum + mistakes, 0);
}

describe('under load', () => {
  test('100 clients over 10 sessions: no answer goes astray, no money is lost', async () => {
    const proxy = await bed.startProxy({ maxConnections: 10, borrowTimeoutMs: 60_000 });
    await Promise.all(Array.from({ length: clients }, () => moveMoney(proxy.target, 60)));
    expect(await bed.admin('select sum(balance)::int as sum from accounts')).toEqual([{ sum: 5_000 }]);
    expect((await bed.sessions()).length).toBeLessThanOrEqual(10);
    expect(proxy.metrics()).toMatchObject({ pins: {}, MaxDatabaseConnectionsAllowed: 10 });
    await proxy.stop();
  }, 240_000);

  test('state in sessions survives where sessions suffice', async () => {
    const proxy = await bed.startProxy({ maxConnections: 90, borrowTimeoutMs: 60_000 });
    expect(await keepState(proxy.target)).toBe(0);
    expect(proxy.metrics().pins).toEqual({ set: clients });
    await proxy.stop();
  }, 120_000);
});

describe('the same load goes wrong where it must', () => {
  test('without pinning, clients are told that they are somebody else', async () => {
    const pooler = await startPgBouncer(bed, 10);
    expect(await keepState(pooler.target)).toBeGreaterThan(0);
    await pooler.stop();
  }, 120_000);

  test('with more pinned clients than sessions, some are refused', async () => {
    const proxy = await bed.startProxy({ maxConnections: 10, borrowTimeoutMs: 200 });
    const all = Array.from({ length: 30 }, () =>
      withClient(proxy.target, async (client) => {
        await client.query('set app.me = 1');
        await client.query('select pg_sleep(1)');
      }),
    );
    const refused = (await Promise.allSettled(all)).filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(30);
    await proxy.stop();
  }, 60_000);
});
