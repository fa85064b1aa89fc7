import type { RDSDataClient } from '@aws-sdk/client-rds-data';
import type { Context } from '../../../context.ts';
import type { AnyJob, Job, Route } from '../../../database/route.ts';
import type { ConnectionTarget } from '../../../database/target.ts';
import { errorMessage, UserError } from '../../../errors.ts';
import { type ProbeOutput, probeJob } from '../../../jobs/probe-job.ts';
import { type QueryInput, queryJob } from '../../../jobs/query-job.ts';
import { type DataApiSession, executeStatement, queryDataApi } from './query-data-api.ts';
import type { DataApi, StageDatabase } from './stage-database.ts';

/**
 * Queries over HTTPS, for Aurora clusters with the HTTP endpoint. Migrations and seeds do not go this way: they hold a lock in
 * one session and load by COPY, and the Data API has neither.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.limitations.html
 */
export function dataApiRoute(context: Context, client: RDSDataClient, database: StageDatabase): Route {
  const { dataApi } = database;
  if (dataApi === undefined) throw new Error('a database without the Data API');
  return {
    kind: 'data-api',
    title: 'through the Data API',
    async run<Input, Output>(job: Job<Input, Output>, target: ConnectionTarget, input: Input) {
      const { clusterArn, database: name } = dataApi;
      const secretArn = secretOf(database, dataApi, target);
      const session = { client, clusterArn, database: name, secretArn, signal: context.signal };
      // `canUseDataApi` has let through these two alone, whose types the caller knows.
      if (job.name === probeJob.name) return (await probe(session)) as Output;
      return (await queryDataApi(session, input as unknown as QueryInput)) as Output;
    },
  };
}

export function canUseDataApi({ dataApi }: StageDatabase, job: AnyJob): boolean {
  return dataApi !== undefined && (job.name === queryJob.name || job.name === probeJob.name);
}

function secretOf({ app, title }: StageDatabase, dataApi: DataApi, target: ConnectionTarget): string {
  if (target.user !== app.user) return dataApi.adminSecretArn;
  if (dataApi.appSecretArn !== undefined) return dataApi.appSecretArn;
  throw new UserError(
    'ROUTE_UNFIT',
    `the Data API logs in with a secret, and "${app.user}" of ${title} has none`,
    {
      suggestions: ['--as admin', 'or --route runner'],
    },
  );
}

/** The service reaches the database itself: there is no name, connection or TLS of ours to time. */
async function probe(session: DataApiSession): Promise<ProbeOutput> {
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  try {
    const { records = [] } = await executeStatement(session, `SELECT current_setting('server_version')`);
    const detail = `PostgreSQL ${records[0]?.[0]?.stringValue}`;
    return { ok: true, steps: [{ stage: 'query', ok: true, durationMs: durationMs(), detail }] };
  } catch (error) {
    session.signal.throwIfAborted();
    const detail = errorMessage(error);
    return { ok: false, steps: [{ stage: 'query', ok: false, durationMs: durationMs(), detail }] };
  }
}
