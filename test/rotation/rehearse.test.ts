import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readRoleGraph } from '../../src/database/role-graph.ts';
import { withClient } from '../../src/database/with-client.ts';
import { isPostmaster, readPostmasterFile } from '../../src/local/postgres/postmaster-file.ts';
import { withThrowawayPostgres } from '../../src/local/postgres/throwaway-postgres.ts';
import { rehearse } from '../../src/rotation/rehearse/rehearse.ts';
import { copyFreshCluster, makeTempDir, testContext } from '../postgres-server.ts';
import { makeSingleRole, roles, type Server } from './adopt-suite.ts';
import { applicationName, houseOptions, lend, startHouse, wish } from './rehearse-bed.ts';

vi.setConfig({ testTimeout: 120_000 });

let server: Server;
beforeAll(async () => {
  server = await startHouse();
});
afterAll(() => server.cleanUp());

test('a rotation of the house: every consumer logs in all the time, and everything is made anew', async () => {
  const report = await rehearse(testContext(), await houseOptions(server), lend);
  expect(report.faults).toEqual([]);
  expect(report).toMatchObject({ outcome: 'rehearsed', exit: 0, parity: [], lostRights: [] });
  expect(report.recreated.left).toEqual([]);
  expect(report.rotation).toMatchObject({
    outcome: 'closed',
    previousUser: 'library_a',
    currentUser: 'library_b',
  });
  const effects = report.rotation?.effects.map(({ name }) => name);
  expect(effects?.filter((name) => !['prove', 'shift'].includes(name))).toEqual([
    'put-pending',
    'set-password',
    'promote',
    'retire',
    'clear-pending',
  ]);
  expect(report.consumers).toHaveLength(3);
  for (const { logins, retried } of report.consumers) {
    expect(logins).toBeGreaterThan(5);
    expect(retried).toBe(0);
  }
  expect(JSON.stringify(report)).not.toMatch(/SCRAM-SHA-256|\[secret\]/);
});

test('a standby that is not what the other slot is fails the rehearsal', async () => {
  const options = await houseOptions(server);
  const memberships = options.graph.memberships.filter(({ member }) => member !== 'library_b');
  const report = await rehearse(
    testContext(),
    { ...options, graph: { ...options.graph, memberships } },
    lend,
  );
  expect(report).toMatchObject({ outcome: 'failed', exit: 1 });
  expect(report.faults.join('\n')).toContain('"library_b" cannot act as "library_app"');
});

test("a single role: adopted, rotated to the first slot and retired, with its admin's rights and no more", async () => {
  const { open, role } = await makeSingleRole(server, `o'shop "user"`);
  const graph = await withClient(open.admin, { applicationName }, (client) => readRoleGraph(client, [role]));
  const report = await rehearse(
    testContext(),
    { projectDir: server.projectDir, graph, names: roles, user: role, wish, adopt: true },
    lend,
  );
  expect(report.recreated.left).toEqual([]);
  expect(report.faults).toEqual([]);
  expect(report.adoption?.statements).toBeGreaterThan(20);
  expect(report.rotation).toMatchObject({
    outcome: 'closed',
    previousUser: role,
    currentUser: roles.slots.a,
  });
});

test('the throw-away server is gone afterwards: after a failure, after Ctrl-C, and what a killed run left', async () => {
  const projectDir = await makeTempDir();
  const stateDir = join(projectDir, '.lambdapg');
  const left = join(stateDir, 'throwaway-1-dead');
  await copyFreshCluster(left, 17);
  const context = testContext();
  const dataDirs: string[] = [];
  const failing = withThrowawayPostgres(context, projectDir, 17, async ({ dataDir, admin }) => {
    dataDirs.push(dataDir);
    expect(await readdir(stateDir)).not.toContain('throwaway-1-dead');
    await withClient(admin, { applicationName }, (client) => client.query('SELECT 1'));
    const pid = (await readPostmasterFile(dataDir))?.pid ?? 0;
    expect(isPostmaster(pid, dataDir)).toBe(true);
    context.cancel(new Error('Ctrl-C'));
    throw new Error(`pid ${pid}`);
  });
  const message = await failing.catch((error: Error) => error.message);
  expect(message).toMatch(/^pid \d+$/);
  expect(isPostmaster(Number(String(message).slice(4)), dataDirs[0] ?? '')).toBe(false);
  expect((await readdir(stateDir)).filter((name) => name.startsWith('throwaway'))).toEqual([]);
});
