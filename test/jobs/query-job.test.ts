import { expect, test } from 'vitest';
import { Cancelled } from '../../src/errors.ts';
import { queryJob } from '../../src/jobs/query-job.ts';
import { useSchemaBed } from '../seed/schema-bed.ts';

const bed = useSchemaBed();

test('Ctrl-C while one statement runs: none after it is begun', async () => {
  await bed().sql('CREATE TABLE done (what text)');
  const reason = new Cancelled();
  const { context } = bed();
  const stopping = { ...context, report: () => context.cancel(reason) };
  const text = `INSERT INTO done VALUES ('before');
                DO $$ BEGIN RAISE NOTICE 'the first ends'; END $$;
                INSERT INTO done VALUES ('after')`;
  const input = { path: 'work.sql', text, oneTransaction: false, maxRows: 10, maxSize: 1_000 };
  await expect(queryJob.work(stopping, bed().target.admin, input)).rejects.toBe(reason);
  expect(await bed().sql('SELECT what FROM done')).toEqual([{ what: 'before' }]);
});
