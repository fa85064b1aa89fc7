import { expect, test } from 'vitest';
import { startKillBed } from './kill/kill-bed.ts';
import { callsOf, killAtEach, scenarios } from './kill/kill-suite.ts';
import { resumeWish, wishFor } from './test-run.ts';

/** Every effect, and every strategy: kill.full.test.ts. */
test('a process that rotates, killed around what makes the new login current, is resumed by another one', async () => {
  const bed = await startKillBed();
  try {
    const scenario = scenarios['two slots'];
    const calls = await callsOf(bed, scenario);
    const [setPassword, promote] = [calls.indexOf('setPassword'), calls.indexOf('promote')];
    const killed =
      (await killAtEach(bed, scenario, { calls, at: [setPassword], faults: ['after'] })) +
      (await killAtEach(bed, scenario, { calls, at: [promote], faults: ['after'] }));
    expect(killed).toBe(2);
  } finally {
    await bed.stop();
  }
}, 120_000);

test('killed when the old login was dead, its sessions are ended by another process, and once', async () => {
  const bed = await startKillBed();
  try {
    const calls = await callsOf(bed, scenarios['two slots']);
    const world = await bed.begin();
    await world.withSession('lpg/orders/1/0a1b2c3d', (unused) =>
      world.withSession('nightly batch', async (other) => {
        const fault = { at: calls.indexOf('retire'), fault: 'after' } as const;
        expect(await world.rotate([wishFor({ canary: [50, 100] })], fault)).toMatchObject({ isKilled: true });
        // It is resumed once more, with nothing left to do; then a person wants the other one ended as well.
        const wishes = [resumeWish(), resumeWish(), resumeWish({ terminate: 'all' })];
        expect((await world.rotate(wishes.slice(0, 2))).runs).toMatchObject([
          { outcome: 'closed', effects: ['end-sessions', 'clear-pending'] },
          { outcome: 'closed', effects: [] },
        ]);
        await expect(unused.query('SELECT 1')).rejects.toThrow();
        await other.query('SELECT 1');
        expect((await world.rotate([...wishes.slice(2), ...wishes])).runs).toMatchObject([
          { outcome: 'closed', effects: ['end-sessions'] },
          ...wishes.map(() => ({ outcome: 'closed', effects: [] })),
        ]);
        await expect(other.query('SELECT 1')).rejects.toThrow();
      }),
    );
  } finally {
    await bed.stop();
  }
}, 120_000);
