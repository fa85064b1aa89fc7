import { randomUUID } from 'node:crypto';
import type { Wish } from '../../../src/rotation/decide/decision.ts';
import { memoryJournal } from '../../../src/rotation/journal.ts';
import type { RotationReport } from '../../../src/rotation/report.ts';
import { rotate } from '../../../src/rotation/rotate.ts';
import type { RotateOptions } from '../../../src/rotation/rotate-options.ts';
import { testContext } from '../../postgres-server.ts';
import type { LoadParts } from './load-parts.ts';

export const usualWish: Wish = {
  strategy: 'slots',
  ...{ rollback: false, repair: false, acceptWindow: false },
  ...{ canary: [5, 50, 100], retire: 'scramble', terminate: 'idle' },
};

/** A whole rotation, to a new login. The share of a canary is watched for a second and a half. */
export function rotateLoad(
  { parts, database }: LoadParts,
  wish: Partial<Wish> = {},
  options: Partial<RotateOptions> = {},
): Promise<RotationReport> {
  return database.withLease(() =>
    rotate(
      testContext(),
      parts,
      { ...usualWish, start: randomUUID(), ...wish },
      {
        journal: memoryJournal(),
        ...{ pollMs: 100, soakMs: 1_500, patienceMs: 20_000 },
        ...options,
      },
    ),
  );
}
