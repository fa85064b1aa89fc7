import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withClient } from '../../src/database/with-client.ts';
import { adopt, readAdoptPlan } from '../../src/rotation/adopt/adopt.ts';
import type { AdoptPlan } from '../../src/rotation/adopt/adopt-step.ts';
import { startTestPostgres, testContext } from '../postgres-server.ts';
import {
  applicationName,
  makeSingleRole,
  roles,
  type Server,
  type SingleRole,
  startLoad,
  until,
} from './adopt-suite.ts';

vi.setConfig({ testTimeout: 60_000 });

const role = 'shop_user';
let server: Server;
let single: SingleRole;
beforeAll(async () => {
  server = await startTestPostgres();
  single = await makeSingleRole(server, role);
  // As if somebody else had made the role.
  await asSuperuser(`REVOKE ${role} FROM cloud_admin CASCADE`);
});
afterAll(() => server.cleanUp());

const asSuperuser = (sql: string): Promise<unknown> =>
  withClient(single.superuser, { applicationName }, (client) => client.query(sql));
const plan = (): Promise<AdoptPlan> => readAdoptPlan(single.open, role, roles);

test('without ADMIN OPTION it is refused, and the GRANT that is printed is enough', async () => {
  const { refusals } = await plan();
  expect(refusals.map(({ code }) => code)).toEqual(['NO_ADMIN_OPTION']);
  const grant = 'GRANT "shop_user" TO "cloud_admin" WITH ADMIN OPTION;';
  expect(refusals[0]?.suggestions).toEqual([`as who made it, or a superuser: ${grant}`]);
  await expect(adopt(testContext(), single.open, await plan())).rejects.toMatchObject({
    code: 'NO_ADMIN_OPTION',
    exit: 1,
  });
  await asSuperuser(grant);
  expect((await plan()).refusals).toEqual([]);
});

test('a table that stays locked: it stops after its patience, says who, and consumers go on', async () => {
  const load = startLoad(single.app);
  await withClient(single.app, { applicationName: 'monthly report' }, async (client) => {
    await client.query('BEGIN; SELECT count(*) FROM sales.purchase');
    const stopped = adopt(testContext(), single.open, await plan(), {
      lockTimeoutMs: 200,
      patienceMs: 1_200,
    });
    await expect(stopped).rejects.toMatchObject({
      code: 'ADOPT_LOCKED',
      exit: 75,
      message: expect.stringContaining('"monthly report"'),
    });
    // The session that has been in a transaction all the time, too.
    await client.query(`INSERT INTO sales.event VALUES (now(), 'report'); COMMIT`);
  });
  await load.stop();
  expect(load.failures).toEqual([]);
});

test('two at once, and a table that is dropped meanwhile: both come to the same end', async () => {
  await asSuperuser(
    `CREATE TABLE public.short_lived (id int); ALTER TABLE public.short_lived OWNER TO ${role}`,
  );
  const [one, other] = [await plan(), await plan()];
  await asSuperuser('DROP TABLE public.short_lived');
  // Only their beginnings: the rest is for the next test.
  const begin = (whole: AdoptPlan) => ({ ...whole, transactions: whole.transactions.slice(0, 1) });
  const runs = [one, other].map((whole) =>
    adopt(testContext(), { ...single.open, run: firstRounds(single.open.run) }, begin(whole)),
  );
  await Promise.all(runs.map((run) => expect(run).rejects.toThrow('enough')));
  const stale = {
    ...one,
    transactions: one.transactions.filter(({ title }) => title.includes('short_lived')),
  };
  expect(stale.transactions).toHaveLength(1);
  const open = { ...single.open, run: firstRounds(single.open.run) };
  await expect(adopt(testContext(), open, stale)).rejects.toThrow('enough');
});

test('interrupted after each transaction, it goes on from what is there, and consumers notice nothing', async () => {
  const load = startLoad(single.app);
  let turns = 0;
  for (let next = await plan(); next.transactions.length > 0 && turns < 40; next = await plan()) {
    // What is left of a plan whose run was killed after its first transaction.
    const cut = { ...next, transactions: next.transactions.slice(0, 1) };
    const open: typeof single.open = { ...single.open, run: onlyOnce(single.open.run) };
    await adopt(testContext(), open, cut).catch((error: Error) => expect(error.message).toBe('killed'));
    turns += 1;
  }
  await until(() => load.done > 50);
  await load.stop();
  expect(turns).toBeGreaterThan(3);
  expect((await plan()).transactions).toEqual([]);
  expect(load.failures).toEqual([]);
});

test('nothing can be cancelled half-way: after Ctrl-C the next transaction is not begun', async () => {
  const context = testContext();
  await withClient(single.app, { applicationName }, (client) => client.query('SELECT 1'));
  await asSuperuser(`CREATE TABLE public.stray (id int); ALTER TABLE public.stray OWNER TO ${role}`);
  context.cancel(new Error('Ctrl-C'));
  const open = {
    ...single.open,
    run: ((job, target, input) => job.work(context, target, input)) as typeof single.open.run,
  };
  await expect(adopt(context, open, await plan())).rejects.toThrow('Ctrl-C');
  expect((await plan()).transactions).not.toEqual([]);
  await adopt(testContext(), single.open, await plan());
  expect((await plan()).transactions).toEqual([]);
});

/** Runs as far as the plan that was made anew, and not that one. */
function firstRounds(run: SingleRole['open']['run']): SingleRole['open']['run'] {
  let plans = 0;
  return async (job, target, input) => {
    if (job.name === 'role-graph') plans += 1;
    if (job.name === 'adopt-role' && plans > 0) throw new Error('enough');
    return run(job, target, input);
  };
}

/** The second job of this run never comes. */
function onlyOnce(run: SingleRole['open']['run']): SingleRole['open']['run'] {
  let runs = 0;
  return async (job, target, input) => {
    runs += 1;
    if (runs > 1) throw new Error('killed');
    return run(job, target, input);
  };
}
