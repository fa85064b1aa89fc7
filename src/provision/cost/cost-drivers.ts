import { isManaged } from '../../project/choices.ts';
import type { ProjectConfig } from '../../project/config-schema.ts';
import type { CostDriver } from './cost-driver.ts';
import { databaseDrivers } from './database-cost.ts';
import { networkDrivers } from './network-cost.ts';
import * as keys from './price-keys.ts';

/** The master's, which RDS manages, and one for each of the two login slots. */
const secretsOfStage = 3;

/**
 * All that the plan's resources are billed for, with what is known about quantities. Pure.
 * @param known.vCpus of the RDS class, for the proxy's price
 */
export function findCostDrivers(
  config: Pick<ProjectConfig, 'cloud' | 'architecture' | 'functions'>,
  known: { readonly vCpus?: number | undefined } = {},
): CostDriver[] {
  const { cloud } = config;
  // A database outside AWS is another bill, and its functions are in no network.
  if (!isManaged({ database: cloud.database.kind })) return [outsideSecretDriver, ...functionDrivers(config)];
  return [
    ...databaseDrivers(cloud, known.vCpus),
    ...(cloud.auth === 'secret' ? [secretDriver] : []),
    ...networkDrivers(cloud),
    ...functionDrivers(config),
  ];
}

const secretDriver: CostDriver = {
  id: 'secrets',
  title: "secrets: the master's and one for each login slot",
  unit: 'secret-month',
  quantityPerMonth: secretsOfStage,
  price: keys.secret,
};

const outsideSecretDriver: CostDriver = {
  ...secretDriver,
  title: "secret: the database's login, or the key by which it is asked for",
  quantityPerMonth: 1,
};

function functionDrivers(config: Pick<ProjectConfig, 'architecture' | 'functions'>): CostDriver[] {
  const byUse = (
    id: string,
    title: string,
    unit: string,
    price: keys.PriceKey,
    unitSize?: number,
  ): CostDriver => ({
    id,
    title,
    unit,
    quantityPerMonth: 'by use',
    price,
    ...(unitSize === undefined ? {} : { unitSize }),
  });
  const functions = Object.values(config.functions);
  if (functions.length === 0) return [];
  const million = 1_000_000;
  return [
    byUse('requests', 'Lambda invocations', 'million', keys.lambdaRequest(config.architecture), million),
    byUse('duration', 'Lambda duration', 'GB-second', keys.lambdaDuration(config.architecture)),
    ...(functions.some(({ routes }) => routes.length > 0)
      ? [byUse('http-api', 'HTTP API requests', 'million', keys.httpApi, million)]
      : []),
    byUse('logs', 'logs taken in', 'GB', keys.logsTakenIn),
    byUse('logs-kept', 'logs kept', 'GB-month', keys.logsKept),
  ];
}
