import { expect, test } from 'vitest';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { Cancelled } from '../../src/errors.ts';
import { cancelOnAbort } from '../../src/seed/cancel-on-abort.ts';
import { useSchemaBed } from './schema-bed.ts';

const bed = useSchemaBed();

const runAndCancel = <T>(work: (client: Client) => Promise<T>): Promise<T> =>
  withClient(bed().target.admin, { applicationName: 'library' }, (client) =>
    cancelOnAbort(bed().context, bed().target.admin, client, () => work(client)),
  );
const sessions = (condition: string) =>
  bed().adminSql(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND ${condition}`);
const eventually = (condition: string) =>
  expect.poll(() => sessions(condition), { timeout: 20_000, interval: 20 }).not.toHaveLength(0);

test('a statement that begins after the request was sent is cancelled too', async () => {
  const ends: string[] = [];
  const reason = new Cancelled();
  const running = runAndCancel(async (client) => {
    bed().context.cancel(reason);
    // It has found nothing to cancel.
    await eventually(
      `application_name = 'lambdapg cancel' AND state = 'idle' AND query LIKE '%pg_cancel_backend%'`,
    );
    await client.query('SELECT pg_sleep(600)').catch(({ code }) => ends.push(code));
    throw new Error('of the work');
  });
  await expect(running).rejects.toBe(reason);
  expect(ends).toEqual(['57014']);
});

test('what is done after the cancelled statement is not cancelled', async () => {
  const ends: string[] = [];
  const reason = new Cancelled();
  const running = runAndCancel(async (client) => {
    const sleeping = client.query('SELECT pg_sleep(600)').catch(({ code }) => ends.push(code));
    await eventually(`wait_event = 'PgSleep'`);
    bed().context.cancel(reason);
    await sleeping;
    await client.query('SELECT pg_sleep(1)');
    ends.push('undone');
    throw new Error('of the work');
  });
  await expect(running).rejects.toBe(reason);
  expect(ends).toEqual(['57014', 'undone']);
  await expect.poll(() => sessions(`application_name = 'lambdapg cancel'`), { timeout: 20_000 }).toEqual([]);
});
