import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { RDSDataClient } from '@aws-sdk/client-rds-data';
import { describe, expect, test } from 'vitest';
import { parseHostMap } from '../../../../src/database/host-map.ts';
import type { RouteKind } from '../../../../src/database/route.ts';
import { migrateJob } from '../../../../src/jobs/migrate-job.ts';
import { queryJob } from '../../../../src/jobs/query-job.ts';
import { openStageDatabase } from '../../../../src/providers/aws/routes/choose-route.ts';
import type { StageDatabase } from '../../../../src/providers/aws/routes/stage-database.ts';
import { catchUserError, useSchemaBed } from '../../../seed/schema-bed.ts';
import { functionName, useRunner } from './runner-bed.ts';

const bed = useSchemaBed();
const startRunner = useRunner(bed);

const name = 'my-db.abc.eu-central-1.rds.amazonaws.com';
const input = { path: '-c', text: 'SELECT 1', oneTransaction: true, maxRows: 10, maxSize: 1e6 };

interface Opened {
  readonly stage?: Partial<StageDatabase>;
  readonly map?: string;
  readonly forced?: RouteKind;
  readonly offerRunner?: () => Promise<boolean>;
}

async function open({ stage = {}, map = '', forced, offerRunner }: Opened = {}) {
  const { client } = await startRunner();
  const { admin, ownerRole } = bed().target;
  const database: StageDatabase = {
    admin,
    app: bed().app,
    ...(ownerRole !== undefined && { ownerRole }),
    publiclyAccessible: false,
    runnerName: functionName,
    title: 'my-api-dev-db',
    ...stage,
  };
  const clients = {
    lambda: () => client,
    rdsData: async () => new RDSDataClient({ region: 'eu-central-1' }),
  };
  const hostMap = parseHostMap({ flags: [map] });
  return openStageDatabase(bed().context, clients, database, {
    hostMap,
    ...(forced && { forced }),
    ...(offerRunner && { offerRunner }),
  });
}

const routesTaken = () =>
  bed()
    .events('route')
    .map(({ route }) => route);
const dataApi = {
  clusterArn: 'arn:aws:rds:eu-central-1:1:cluster:x',
  database: 'library',
  adminSecretArn: 'arn:admin',
  appSecretArn: 'arn:app',
};

describe('the first open way that can do the job', () => {
  test('a mapped name is dialled directly, though the database is private', async () => {
    const { admin } = bed().target;
    const stage = {
      app: { ...bed().app, host: 'localhost', port: 1 },
      admin: { ...admin, host: 'localhost' },
      dataApi,
    };
    const opened = await open({ stage, map: `localhost=127.0.0.1:${admin.port}` });
    expect((await opened.run(queryJob, opened.app, input)).results[0]?.rows).toEqual([['1']]);
    await opened.run(queryJob, opened.app, input);
    expect(routesTaken()).toEqual(['direct']);
    expect(await opened.dial(opened.app)).toMatchObject({
      host: '127.0.0.1',
      port: admin.port,
      tls: { name: 'localhost' },
    });
  });

  test('a public one that answers directly; one that does not answer through the runner', async () => {
    const opened = await open({ stage: { publiclyAccessible: true } });
    await opened.run(queryJob, opened.app, input);
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const admin = { ...bed().target.admin, host: '127.0.0.1', port };
    const silent = await open({ stage: { publiclyAccessible: true, admin } });
    await silent.run(queryJob, bed().app, input);
    expect(routesTaken()).toEqual(['direct', 'runner']);
  });

  test('a private one by the runner for what the Data API cannot do; that is reported', async () => {
    await bed().write('migrations/0001_a.sql', 'CREATE TABLE a (id int);');
    const opened = await open({ stage: { dataApi } });
    const input = { ownerRole: 'library_owner', projectDir: bed().projectDir, dryRun: false };
    expect((await opened.run(migrateJob, opened.admin, input)).applied).toHaveLength(1);
    expect(routesTaken()).toEqual(['runner']);
    expect(bed().events('route')[0]?.message).toBe(
      `reaches my-api-dev-db through the runner ${functionName}`,
    );
  });

  test('a forced one, or the reason why not', async () => {
    const opened = await open({ stage: { dataApi }, forced: 'runner' });
    await opened.run(queryJob, opened.app, input);
    expect(routesTaken()).toEqual(['runner']);
    const migrating = { projectDir: bed().projectDir, dryRun: false };
    const unfit = await open({ stage: { dataApi }, forced: 'data-api' });
    expect(await catchUserError(unfit.run(migrateJob, unfit.admin, migrating))).toMatchObject({
      code: 'ROUTE_UNFIT',
      exit: 2,
    });
    const absent = await open({ forced: 'data-api' });
    expect((await catchUserError(absent.run(queryJob, absent.app, input))).message).toContain(
      'has no Data API',
    );
  });

  test('a session cannot be had through the runner', async () => {
    const opened = await open({ stage: { admin: { ...bed().target.admin, host: name } } });
    const refused = await catchUserError(opened.dial(opened.app));
    expect(refused.code).toBe('NO_DIRECT_ROUTE');
    expect(refused.suggestions.join()).toContain(`--db-host-map ${name}=127.0.0.1:<port>`);
  });
});

test('a missing runner is named with the command that makes it', async () => {
  const opened = await open({ stage: { runnerName: 'my-api-dev-runner' } });
  const missing = await catchUserError(opened.run(queryJob, opened.app, input));
  expect(missing).toMatchObject({ code: 'RUNNER_MISSING', exit: 1 });
  expect(missing.message).toContain('"my-api-dev-runner"');
  expect(missing.suggestions[0]).toContain('--create-runner');
  let offers = 0;
  const refusing = await open({
    stage: { runnerName: 'my-api-dev-runner' },
    offerRunner: async () => {
      offers += 1;
      return offers === 1;
    },
  });
  // Made, the person believes, and still not there: said once more, and not asked again.
  expect((await catchUserError(refusing.run(queryJob, refusing.app, input))).code).toBe('RUNNER_MISSING');
  expect(offers).toBe(1);
});
