import { isManaged } from '../project/choices.ts';
import type { CloudConfig } from '../project/config-schema.ts';

/** What PostgreSQL will allow, and how that number came about. */
export interface MaxConnections {
  /** Undefined when nothing is known about the instance class. */
  readonly connections: number | undefined;
  /** False for a number that the database itself reported. */
  readonly estimated: boolean;
  readonly formula: string;
}

/**
 * RDS for PostgreSQL's default: LEAST({DBInstanceClassMemory/9531392}, 5000).
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
 */
const bytesPerConnection = 9_531_392;
const mostByDefault = 5_000;

/**
 * Aurora Serverless v2: the default by the largest capacity, not by the present one.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html#aurora-serverless-v2.max-connections
 */
const auroraRows = [
  { acu: 1, connections: 189 },
  { acu: 4, connections: 823 },
  { acu: 8, connections: 1_669 },
  { acu: 16, connections: 3_360 },
  { acu: 32, connections: 5_000 },
] as const;
/** Same page: with a minimum of 0 or 0.5 ACU the default is capped. */
const auroraCap = { belowAcu: 1, connections: 2_000 } as const;

const gibibyte = 2 ** 30;

/** `max_connections` of RDS's default parameter group, from a class's nominal memory in bytes. */
export function rdsMaxConnections(memoryBytes: number): number {
  return Math.min(Math.floor(memoryBytes / bytesPerConnection), mostByDefault);
}

/** `max_connections` of an Aurora Serverless v2 instance; between the rows of AWS's table a straight line. */
export function auroraMaxConnections(minAcu: number, maxAcu: number): number {
  const byCapacity = interpolate(maxAcu);
  return minAcu < auroraCap.belowAcu ? Math.min(byCapacity, auroraCap.connections) : byCapacity;
}

function interpolate(acu: number): number {
  const above = auroraRows.findIndex((row) => row.acu >= acu);
  if (above === -1) return mostByDefault;
  const high = auroraRows[above] ?? auroraRows[0];
  const low = auroraRows[above - 1] ?? high;
  if (low === high) return high.connections;
  const share = (acu - low.acu) / (high.acu - low.acu);
  return Math.floor(low.connections + share * (high.connections - low.connections));
}

/**
 * @param known.measured what the database said (`SHOW max_connections`): always believed
 * @param known.memoryBytes nominal memory of the RDS class, as EC2 publishes it
 */
export function findMaxConnections(
  database: CloudConfig['database'],
  known: { readonly measured?: number | undefined; readonly memoryBytes?: number | undefined },
): MaxConnections {
  if (known.measured !== undefined) {
    return {
      connections: known.measured,
      estimated: false,
      formula: `max_connections = ${known.measured}, as the database says`,
    };
  }
  if (!isManaged({ database: database.kind })) {
    return {
      connections: undefined,
      estimated: true,
      formula: 'the database is not in AWS, and did not say',
    };
  }
  if (database.kind === 'aurora') {
    const connections = auroraMaxConnections(database.minAcu, database.maxAcu);
    return { connections, estimated: true, formula: auroraFormula(database, connections) };
  }
  if (known.memoryBytes === undefined) {
    return {
      connections: undefined,
      estimated: true,
      formula: `the memory of ${database.instanceClass} is not known, so neither is max_connections`,
    };
  }
  const connections = rdsMaxConnections(known.memoryBytes);
  const memory = `${known.memoryBytes / gibibyte} GiB`;
  return {
    connections,
    estimated: true,
    formula:
      `about ${connections} = LEAST({DBInstanceClassMemory/${bytesPerConnection}}, ${mostByDefault}) for ` +
      `${database.instanceClass} (${memory} nominal; RDS keeps a part of it, so expect fewer)`,
  };
}

function auroraFormula(database: CloudConfig['database'], connections: number): string {
  const capped = database.minAcu < auroraCap.belowAcu && connections === auroraCap.connections;
  const reason = capped ? `; capped because minAcu is ${database.minAcu}` : '';
  return `about ${connections} for at most ${database.maxAcu} ACU (AWS's table${reason})`;
}
