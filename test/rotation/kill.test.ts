import { expect, test } from 'vitest';
import { startKillBed } from './kill/kill-bed.ts';
import { callsOf, killAtEach, scenarios } from './kill/kill-suite.ts';

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
