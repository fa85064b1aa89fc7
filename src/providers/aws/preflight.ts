import {
  type DBEngineVersion,
  DescribeDBEngineVersionsCommand,
  DescribeOrderableDBInstanceOptionsCommand,
} from '@aws-sdk/client-rds';
import { UserError } from '../../errors.ts';
import { partsOf } from './judge.ts';
import { versionFits, wantedVersion } from './steps/database.ts';
import type { World } from './steps/world.ts';

/**
 * Asks AWS whether the database of the answers can be had, before anything is created.
 *
 * @returns what could not be verified, for a warning
 * @throws UserError UNKNOWN_ENGINE_VERSION, UNKNOWN_INSTANCE_CLASS with what there is
 */
export async function verifyOffered(world: World): Promise<readonly string[]> {
  const { aws, stage } = world;
  const aurora = stage.cloud.database.kind === 'aurora';
  const engine = aurora ? 'aurora-postgresql' : 'postgres';
  const version = wantedVersion(stage);
  const instanceClass = aurora ? 'db.serverless' : stage.cloud.database.instanceClass;
  try {
    const asked = await offeredVersions(world, engine, version);
    // That a major version alone stands for all of its minor ones is not documented: ask for all before saying no.
    const all = asked.length > 0 ? asked : await offeredVersions(world, engine);
    const versions = all.filter((one) => versionFits(one, version));
    if (versions.length === 0) throw unknownVersion(world, engine, version, all);
    const { OrderableDBInstanceOptions = [] } = await aws.read.rds.send(
      new DescribeOrderableDBInstanceOptionsCommand({
        Engine: engine,
        // The newest of a major version, as RDS chooses it.
        EngineVersion: versions.at(-1),
        DBInstanceClass: instanceClass,
        Vpc: true,
        MaxRecords: 20,
      }),
    );
    if (OrderableDBInstanceOptions.length === 0)
      throw unknownClass(instanceClass, engine, version, aws.region);
  } catch (error) {
    if (error instanceof UserError || !isUnanswerable(error)) throw error;
    return [`could not verify that ${aws.region} offers ${instanceClass} with ${engine} ${version}`];
  }
  return [];
}

/** AWS answers these questions, an emulator or a narrow policy may not: no reason to stop. */
function isUnanswerable(error: unknown): boolean {
  const { name, status } = partsOf(error);
  return status === 501 || /NotImplemented|AccessDenied|UnauthorizedOperation/.test(name);
}

/** All of an engine, or those that begin with `version`; the newest last. */
async function offeredVersions({ aws }: World, engine: string, version?: string): Promise<string[]> {
  const all: DBEngineVersion[] = [];
  let marker: string | undefined;
  do {
    const { DBEngineVersions = [], Marker } = await aws.read.rds.send(
      new DescribeDBEngineVersionsCommand({
        Engine: engine,
        ...(version !== undefined && { EngineVersion: version }),
        ...(marker !== undefined && { Marker: marker }),
      }),
    );
    all.push(...DBEngineVersions);
    marker = Marker;
  } while (marker !== undefined && marker !== '');
  return all
    .map(({ EngineVersion = '' }) => EngineVersion)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** Names what there is of the same major version, else the newest of each. */
function unknownVersion(
  world: World,
  engine: string,
  version: string,
  offered: readonly string[],
): UserError {
  const majorOf = (one: string): string => one.split('.')[0] ?? '';
  const near = offered.filter((one) => majorOf(one) === majorOf(version)).slice(-4);
  const newest = [...new Map(offered.map((one) => [majorOf(one), one])).values()].slice(-4);
  const choice = near.length > 0 ? near : newest;
  return new UserError('UNKNOWN_ENGINE_VERSION', `${world.aws.region} offers no ${engine} ${version}`, {
    suggestions: [
      choice.length > 0 ? `--engine-version ${choice.join(' or ')}` : 'another version, or another --region',
    ],
  });
}

const unknownClass = (instanceClass: string, engine: string, version: string, region: string): UserError =>
  new UserError('UNKNOWN_INSTANCE_CLASS', `${region} offers no ${instanceClass} for ${engine} ${version}`, {
    suggestions: [
      '--instance-class db.t4g.micro',
      'docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.html',
    ],
  });

/** What the answers bring with them that a person may not know. */
export function adviceOn({ stage }: World): string[] {
  const { database, proxy } = stage.cloud;
  const advice: string[] = [];
  if (database.kind === 'aurora' && database.minAcu === 0 && proxy !== false) {
    advice.push(
      'Aurora will not pause at 0 ACU: RDS Proxy keeps connections open. Leave the proxy out, or set minAcu to 0.5',
    );
  }
  if (database.kind === 'rds' && database.reader && proxy !== false) {
    advice.push(
      'the read replica is reached directly: RDS Proxy has read-only endpoints for Aurora and Multi-AZ clusters only',
    );
  }
  return advice;
}
