import { describe, expect, test } from 'vitest';
import type { Fault } from '../bed/bed.ts';
import { startCloudBed } from './cloud-bed.ts';
import { creations, provision, verifyWorld } from './provision-world.ts';

describe('provision reaches the same world', () => {
  test.each([
    ['throttled twice', { kind: 'throttling', count: 2 }],
    ['answered by a 500', { kind: 'server-error', count: 1 }],
    ['cut off before its effect', { kind: 'drop-before', count: 1 }],
  ] as const)(
    'when every creation is %s',
    async (_title, fault) => {
      const cloud = await startCloudBed();
      const { bed, run } = cloud;
      for (const [service, action] of creations) await bed.fault({ service, action, ...(fault as Fault) });
      const result = await run(...provision);
      expect(result.exitCode, result.stderr).toBe(0);
      await verifyWorld(cloud);
    },
    240_000,
  );
});
