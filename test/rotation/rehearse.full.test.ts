import { describe, expect, test, vi } from 'vitest';
import { postgresMajors } from '../../src/project/postgres-packages.ts';
import { rehearse } from '../../src/rotation/rehearse/rehearse.ts';
import { testContext } from '../postgres-server.ts';
import { houseOptions, lend, startHouse, wish } from './rehearse-bed.ts';

vi.setConfig({ testTimeout: 600_000 });

describe.each(postgresMajors)('PostgreSQL %s', (major) => {
  test('two slots: no login fails; one role without a second candidate: they do, and it is said', async () => {
    const server = await startHouse(major);
    try {
      const options = await houseOptions(server);
      const slots = await rehearse(testContext(), options, lend);
      expect(slots).toMatchObject({ outcome: 'rehearsed', faults: [], lostRights: [] });
      const next = await rehearse(testContext(), { ...options, wish: { ...wish, strategy: 'next' } }, lend);
      expect(next).toMatchObject({ outcome: 'rehearsed', faults: [] });
      const plain = { ...wish, strategy: 'single', acceptWindow: true } as const;
      const single = await rehearse(testContext(), { ...options, wish: plain }, lend);
      expect(single).toMatchObject({ outcome: 'failed', exit: 1 });
      expect(single.faults.join('\n')).toMatch(/\d+ of \d+ logins failed/);
    } finally {
      await server.cleanUp();
    }
  });
});
