import { once } from 'node:events';
import { connect } from 'node:net';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { RDSDataClient } from '@aws-sdk/client-rds-data';
import type { Context } from '../../../context.ts';
import { applyHostMap, type HostMap } from '../../../database/host-map.ts';
import type { OpenDatabase } from '../../../database/open-database.ts';
import { type AnyJob, directRoute, type Route, type RouteKind } from '../../../database/route.ts';
import type { ConnectionTarget } from '../../../database/target.ts';
import { errorCode, exitCodes, UserError } from '../../../errors.ts';
import { canUseDataApi, dataApiRoute } from './data-api-route.ts';
import { runnerMissingCode } from './explain-runner.ts';
import { runnerRoute } from './runner-route.ts';
import type { StageDatabase } from './stage-database.ts';

export interface RouteChoice {
  readonly hostMap: HostMap;
  /** `--route`: this one and no other. */
  readonly forced?: RouteKind;
  /** Asked when the runner is needed and missing: makes one and says true, or leaves it. Absent: nobody can be asked. */
  readonly offerRunner?: () => Promise<boolean>;
}

/** Clients that send each request once; made when a route needs one. */
export interface RouteClients {
  lambda(): LambdaClient;
  rdsData(): Promise<RDSDataClient>;
}

/** How long a public address may take to answer before the next route is tried. */
const publicAnswerMs = 3_000;

/**
 * A stage's database with its routes, tried in this order: direct (mapped, or public and answering), the Data API for what it
 * can do, the runner. The choice is reported once.
 */
export function openStageDatabase(
  context: Context,
  clients: RouteClients,
  database: StageDatabase,
  { hostMap, forced, offerRunner }: RouteChoice,
): OpenDatabase {
  const { admin, app, ownerRole } = database;
  const dial = (target: ConnectionTarget) => applyHostMap(target, hostMap);
  const routes = {
    direct: () => directRoute(context, dial),
    'data-api': async () => dataApiRoute(context, await clients.rdsData(), database),
    runner: () =>
      runnerRoute(context, {
        lambda: clients.lambda(),
        functionName: database.runnerName,
        admin,
        ...(ownerRole !== undefined && { ownerRole }),
      }),
  };
  // Only a yes is remembered: a name may come to be mapped, a public address to answer.
  let isDirect = false;
  const findKind = async (job: AnyJob): Promise<RouteKind> => {
    if (forced !== undefined) return verifyForced(database, job, forced);
    isDirect ||= await isReachable(database, hostMap);
    if (isDirect) return 'direct';
    return canUseDataApi(database, job) ? 'data-api' : 'runner';
  };
  let reported: RouteKind | undefined;
  const report = (route: Route): void => {
    if (reported === route.kind) return;
    reported = route.kind;
    const message = `reaches ${database.title} ${route.title}`;
    context.report({ type: 'route', route: route.kind, database: database.title, message });
  };
  return {
    admin,
    app,
    ...(ownerRole !== undefined && { ownerRole }),
    async run(job, target, input) {
      const route = await routes[await findKind(job)]();
      report(route);
      try {
        return await route.run(job, target, input);
      } catch (error) {
        if (errorCode(error) !== runnerMissingCode || !(await offerRunner?.())) throw error;
        return route.run(job, target, input);
      }
    },
    async dial(target) {
      if (forced === 'direct' || (forced === undefined && (await isReachable(database, hostMap)))) {
        report(routes.direct());
        return dial(target);
      }
      throw noDirectRoute(database);
    },
  };
}

function verifyForced(database: StageDatabase, job: AnyJob, forced: RouteKind): RouteKind {
  if (forced !== 'data-api' || canUseDataApi(database, job)) return forced;
  const why =
    database.dataApi === undefined
      ? `${database.title} has no Data API: only Aurora clusters with the HTTP endpoint have one`
      : `the Data API cannot do "${job.name}", which needs COPY and one session throughout`;
  throw new UserError('ROUTE_UNFIT', why, { exit: exitCodes.usage, suggestions: ['--route runner'] });
}

async function isReachable(
  { admin, publiclyAccessible, isOutside }: StageDatabase,
  hostMap: HostMap,
): Promise<boolean> {
  if (isOutside === true) return true;
  if ((await hostMap.find(admin.host)) !== undefined) return true;
  return publiclyAccessible && (await answers(admin));
}

async function answers({ host, port }: ConnectionTarget): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(publicAnswerMs) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function noDirectRoute({ title, admin }: StageDatabase): UserError {
  return new UserError(
    'NO_DIRECT_ROUTE',
    `${title} is not reached from here, and a session needs a direct way`,
    {
      suggestions: [
        'run single statements with -c or -f: they go through the runner',
        `or open a tunnel and add --db-host-map ${admin.host}=127.0.0.1:<port>`,
      ],
    },
  );
}
