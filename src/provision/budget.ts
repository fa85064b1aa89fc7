import { UserError } from '../errors.ts';
import type { CloudConfig, FunctionConfig } from '../project/config-schema.ts';
import { findMaxConnections } from './max-connections.ts';

export interface BudgetInput {
  readonly cloud: CloudConfig;
  readonly functions: Readonly<Record<string, FunctionConfig>>;
  /** Nominal memory of the RDS class; not needed for Aurora or once `maxConnections` was measured. */
  readonly memoryBytes?: number | undefined;
  /** What the database itself reports. */
  readonly maxConnections?: number | undefined;
  /** Slots that ordinary roles cannot use, as the database reports them; else PostgreSQL's and RDS's defaults. */
  readonly reserved?: readonly ReservedSlots[] | undefined;
  /** AccountLimit.UnreservedConcurrentExecutions of lambda:GetAccountSettings; else AWS's default of 1000. */
  readonly unreservedConcurrency?: number | undefined;
}

export interface ReservedSlots {
  readonly setting: string;
  readonly connections: number;
}

export interface BudgetRow {
  readonly consumer: string;
  /** Execution environments at once; undefined for what is not a function. */
  readonly environments: number | undefined;
  readonly perEnvironment: number | undefined;
  readonly connections: number;
  /** Where the number comes from. */
  readonly source: string;
}

export interface Budget {
  readonly maxConnections: number | undefined;
  readonly estimated: boolean;
  readonly formula: string;
  readonly reserved: readonly ReservedSlots[];
  /** Connections that RDS Proxy may open; undefined without a proxy. */
  readonly proxyShare: number | undefined;
  /** `maxConnections` less the reserved slots. */
  readonly available: number | undefined;
  readonly demand: readonly BudgetRow[];
  /** What the rows need of the database at the worst moment. */
  readonly needed: number;
  /** Undefined when `maxConnections` is unknown. */
  readonly fits: boolean | undefined;
  /** Environments of all functions together that would fit; with a proxy, the largest `maxConnectionsPercent`. */
  readonly wouldFit: number | undefined;
  readonly message: string;
}

/**
 * https://www.postgresql.org/docs/17/runtime-config-connection.html (superuser_reserved_connections, 3) and
 * `rds.rds_superuser_reserved_connections` of the RDS parameter groups (2).
 */
const reservedByDefault: readonly ReservedSlots[] = [
  { setting: 'superuser_reserved_connections', connections: 3 },
  { setting: 'rds.rds_superuser_reserved_connections', connections: 2 },
];

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; new accounts may have less. */
const defaultAccountConcurrency = 1_000;

/** Whether the connections that the functions may open at once fit the database. Pure. */
export function estimateBudget(input: BudgetInput): Budget {
  const max = findMaxConnections(input.cloud.database, {
    measured: input.maxConnections,
    memoryBytes: input.memoryBytes,
  });
  const reserved = input.reserved ?? reservedByDefault;
  const available =
    max.connections === undefined
      ? undefined
      : Math.max(0, max.connections - sum(reserved.map((slots) => slots.connections)));
  const proxyShare = findProxyShare(input.cloud.proxy, max.connections);
  const demand = findDemand(input);
  const functions = sum(demand.filter(isFunction).map((row) => row.connections));
  const others = input.cloud.connections.otherConsumers;
  const needed = others + (proxyShare === undefined ? functions : Math.min(functions, proxyShare));
  const outcome = {
    maxConnections: max.connections,
    estimated: max.estimated,
    formula: max.formula,
    reserved,
    proxyShare,
    available,
    demand,
    needed,
    fits: available === undefined ? undefined : needed <= available,
    wouldFit: findWouldFit(input.cloud, max.connections, available),
  };
  return { ...outcome, message: describe(outcome, input.cloud) };
}

/**
 * Refuses what the database itself says is too much. An estimate is never a reason to refuse, and neither is a
 * proxy's share: behind a proxy clients wait for a connection, they are not turned away.
 * @throws UserError OVERSUBSCRIBED
 */
export function verifyBudget(budget: Budget, options: { readonly accept?: boolean } = {}): void {
  if (budget.fits !== false || budget.estimated || budget.proxyShare !== undefined || options.accept) return;
  throw new UserError('OVERSUBSCRIBED', budget.message, {
    suggestions: [
      `set reservedConcurrency in lambdapg.json so that the functions have at most ${budget.wouldFit} environments together`,
      'put RDS Proxy in between ("proxy": {} in lambdapg.json), or take a larger instance class',
      'accept connection errors under load with --accept-oversubscription',
    ],
  });
}

function findProxyShare(proxy: CloudConfig['proxy'], max: number | undefined): number | undefined {
  if (proxy === false || max === undefined) return undefined;
  return Math.floor((max * proxy.maxConnectionsPercent) / 100);
}

/** Functions without reserved concurrency share one pool, so they are one row: it is counted once. */
function findDemand(input: BudgetInput): BudgetRow[] {
  const { perEnvironment, otherConsumers } = input.cloud.connections;
  const rows: BudgetRow[] = [];
  const sharing: string[] = [];
  for (const [name, { reservedConcurrency }] of Object.entries(input.functions)) {
    if (reservedConcurrency === undefined) sharing.push(name);
    else rows.push(functionRow(name, reservedConcurrency, perEnvironment, 'reservedConcurrency'));
  }
  if (sharing.length > 0) {
    const measured = input.unreservedConcurrency;
    const source =
      measured === undefined
        ? `no reservedConcurrency: the account's limit, ${defaultAccountConcurrency} by default`
        : `no reservedConcurrency: the account's unreserved ${measured}`;
    rows.push(functionRow(sharing.join(', '), measured ?? defaultAccountConcurrency, perEnvironment, source));
  }
  rows.push({
    consumer: 'people and other programs',
    environments: undefined,
    perEnvironment: undefined,
    connections: otherConsumers,
    source: 'connections.otherConsumers',
  });
  return rows;
}

function functionRow(
  consumer: string,
  environments: number,
  perEnvironment: number,
  source: string,
): BudgetRow {
  return { consumer, environments, perEnvironment, connections: environments * perEnvironment, source };
}

const isFunction = (row: BudgetRow): boolean => row.environments !== undefined;

function findWouldFit(
  cloud: CloudConfig,
  max: number | undefined,
  available: number | undefined,
): number | undefined {
  if (max === undefined || available === undefined || max === 0) return undefined;
  const left = Math.max(0, available - cloud.connections.otherConsumers);
  if (cloud.proxy !== false) return Math.floor((left * 100) / max);
  return Math.floor(left / cloud.connections.perEnvironment);
}

function describe(budget: Omit<Budget, 'message'>, cloud: CloudConfig): string {
  if (budget.fits === undefined) return `connection budget unknown: ${budget.formula}`;
  const about = budget.estimated ? 'about ' : '';
  const sum = `${budget.needed} connections may be needed at once, ${about}${budget.available} are available`;
  if (budget.fits) return sum;
  if (cloud.proxy !== false) {
    return (
      `${sum}: when the proxy uses all of its ${budget.proxyShare}, fewer than the ` +
      `${cloud.connections.otherConsumers} of otherConsumers are left; maxConnectionsPercent ${budget.wouldFit} would fit`
    );
  }
  return `${sum}: ${budget.wouldFit} execution environments in all would fit`;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
