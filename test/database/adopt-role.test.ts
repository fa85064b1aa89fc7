import { describe, expect, test } from 'vitest';
import { runAdoption } from '../../src/database/adopt-role.ts';
import type { Client } from '../../src/database/with-client.ts';

/** Refuses the lock to the first `refusals` tries. */
function lockedClient(refusals: number) {
  const counted = { tries: 0 };
  const query = async (text: string) => {
    if (text !== 'ALTER') return { rows: [] };
    counted.tries += 1;
    if (counted.tries <= refusals) throw Object.assign(new Error('locked'), { code: '55P03' });
    return { rows: [] };
  };
  return { counted, client: { query } as unknown as Client };
}

describe('a lock that is not to be had', () => {
  // As though the computer had slept during the first try.
  const limits = { lockTimeoutMs: 100, patienceMs: 0 };
  const adopt = (client: Client) => runAdoption(client, [['ALTER']], limits, new AbortController().signal);

  test('is tried for again, however late it is', async () => {
    const { counted, client } = lockedClient(4);
    await adopt(client);
    expect(counted.tries).toBe(5);
  });

  test('is given up in the end', async () => {
    const { counted, client } = lockedClient(1_000);
    await expect(adopt(client)).rejects.toMatchObject({ code: '55P03' });
    expect(counted.tries).toBe(5);
  });
});
