import { describe, expect, test } from 'vitest';
import { faults } from './kill/faulty-parts.ts';
import { startKillBed } from './kill/kill-bed.ts';
import { callsOf, killAtEach, type Scenario, scenarios } from './kill/kill-suite.ts';

describe.each(Object.entries<Scenario>(scenarios))('%s', (name, scenario) => {
  test('killed between every two effects, or without an answer, it is resumed by another process', async () => {
    const bed = await startKillBed({ proxied: scenario.proxied ?? false });
    try {
      const calls = await callsOf(bed, scenario);
      process.stderr.write(`${name}: ${calls.join(', ')}\n`);
      const killed = await killAtEach(bed, scenario, { calls });
      expect(killed).toBe(calls.length * (faults.length - 1));
      expect(calls.length).toBeGreaterThan(2);
    } finally {
      await bed.stop();
    }
  }, 1_800_000);
});
