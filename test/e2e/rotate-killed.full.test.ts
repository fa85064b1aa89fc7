import { expect, test } from 'vitest';
import { killAndResume } from './rotate-killed-suite.ts';
import { startRotationBed, underLoad } from './rotation-bed.ts';

const rounds = 20;
const turnsOfRound = 10;

/** 20 times in the quick tier (rotate-killed.test.ts). A failure names its seed and the moment of the kill. */
test(`rotate-creds under load, killed ${rounds * turnsOfRound} times at random and resumed: no failed request`, async () => {
  const bed = await startRotationBed({ plane: { maxConnections: 200, checksNetwork: false } });
  const firstSeed = Date.now() % 1_000_000;
  const { result, report } = await underLoad(bed, { perSecond: 6, environments: 4 }, async () => {
    let killed = 0;
    for (let round = 0; round < rounds; round += 1) {
      killed += await killAndResume(bed, turnsOfRound, { seed: firstSeed + round, longestMs: 6_000 });
      process.stderr.write(`${(round + 1) * turnsOfRound} turns, ${killed} killed at work\n`);
    }
    return killed;
  });
  expect(report.failures).toEqual({});
  expect(report.figures()).toMatchObject({ failed: 0, dropped: 0 });
  expect(result).toBeGreaterThan((rounds * turnsOfRound) / 4);
}, 7_200_000);
