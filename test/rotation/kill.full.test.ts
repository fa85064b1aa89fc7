import { describe, expect, test } from 'vitest';
import type { PostgresMajor } from '../../src/project/postgres-packages.ts';
import { faults } from './kill/faulty-parts.ts';
import { startKillBed } from './kill/kill-bed.ts';
import { callsOf, killAtEach, type Scenario, scenarios } from './kill/kill-suite.ts';

const everyScenario = Object.entries<Scenario>(scenarios);
const twoSlots = everyScenario.filter(([name]) => name === 'two slots');

/** What differs between the majors is how they make, refuse and end logins: one strategy shows that. */
const runs: readonly [PostgresMajor, string, Scenario][] = [
  ...everyScenario.map(([name, scenario]): [PostgresMajor, string, Scenario] => [17, name, scenario]),
  ...([15, 16, 18] as const).flatMap((major) =>
    twoSlots.map(([name, scenario]): [PostgresMajor, string, Scenario] => [major, name, scenario]),
  ),
];

describe.each(runs)('PostgreSQL %i, %s', (major, name, scenario) => {
  test('killed between every two effects, or without an answer, it is resumed by another process', async () => {
    const bed = await startKillBed({ major, proxied: scenario.proxied ?? false });
    try {
      const calls = await callsOf(bed, scenario);
      process.stderr.write(`PostgreSQL ${major}, ${name}: ${calls.length} effects: ${calls.join(', ')}\n`);
      const killed = await killAtEach(bed, scenario, { calls });
      expect(killed).toBe(calls.length * (faults.length - 1));
      expect(calls.length).toBeGreaterThan(2);
    } finally {
      await bed.stop();
    }
  }, 3_600_000);
});
