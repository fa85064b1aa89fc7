import {
  CreateDBClusterCommand,
  type CreateDBClusterCommandInput,
  CreateDBInstanceCommand,
  type CreateDBInstanceCommandInput,
  RDSClient,
} from '@aws-sdk/client-rds';
import { onTestFinished } from 'vitest';
import { configSchema } from '../../../../src/project/config-schema.ts';
import { parseProjectName } from '../../../../src/project/names.ts';
import { type OpenWorld, openWorld } from '../../../../src/providers/aws/open-world.ts';
import { findStageDatabase } from '../../../../src/providers/aws/stage-database.ts';
import { masterUser } from '../../../../src/providers/aws/steps/database.ts';
import type { DatabaseHave } from '../../../../src/providers/aws/steps/database-have.ts';
import { type Bed, startBed } from '../../../bed/bed.ts';
import { awsOf, clusterInput, instanceInput } from '../../../bed/differs.ts';
import { clientOptions } from '../../../bed/sdk.ts';
import { testContext } from '../../../postgres-server.ts';

const Tags = [
  { Key: 'lambdapg:project', Value: 'shop' },
  { Key: 'lambdapg:stage', Value: 'dev' },
];
const managed = {
  ...{ MasterUsername: masterUser, MasterUserPassword: undefined, ManageMasterUserPassword: true, Tags },
};

/** Stage `dev` of the project `shop`, without its steps. */
export interface StageBed {
  readonly bed: Bed;
  world(cloud?: object, env?: Record<string, string>, engine?: string): Promise<OpenWorld>;
  /** An operation of AWS through the gate; throws what it refuses. */
  ask<Output = Record<string, unknown>>(service: string, action: string, input: object): Promise<Output>;
  makeInstance(changes?: object): Promise<void>;
  /** With a writer and `readers` more. */
  makeCluster(readers?: number, changes?: object): Promise<void>;
  have(world: OpenWorld): Promise<DatabaseHave>;
}

export async function startStageBed(): Promise<StageBed> {
  const bed = await startBed({ pace: { default: 0 } });
  onTestFinished(() => bed.stop());
  Object.assign(process.env, bed.environment);
  const aws = awsOf(bed, false);
  const ask = async <Output>(service: string, action: string, input: object): Promise<Output> => {
    const answer = await aws(service, action, input as Record<string, unknown>);
    if ('error' in answer) throw new Error(`${service}:${action}: ${String(answer.error)}`);
    return answer as Output;
  };
  // Through the front door, so that a data plane sees it.
  const rds = new RDSClient(clientOptions(bed));
  const createInstance = (input: object) =>
    rds.send(new CreateDBInstanceCommand(input as CreateDBInstanceCommandInput));
  return {
    ...{ bed, ask },
    async world(cloud = {}, env = {}, engine = 'none') {
      const config = configSchema.parse({
        ...{ name: 'shop', template: 'api', language: 'node', runtime: 'nodejs24.x' },
        ...{ engine, cloud, functions: { api: { handler: 'src/api.handler' } } },
      });
      const project = { dir: '/nowhere', config, names: parseProjectName('shop') };
      return openWorld(testContext({ env }), project, { stage: 'dev' });
    },
    async makeInstance(changes = {}) {
      const input = { DBInstanceIdentifier: 'shop-dev-db', DBName: 'shop', ...managed, ...changes };
      await createInstance(instanceInput(input));
    },
    async makeCluster(readers = 0, changes = {}) {
      const input = { DBClusterIdentifier: 'shop-dev-db', DatabaseName: 'shop', ...managed, ...changes };
      await rds.send(
        new CreateDBClusterCommand(clusterInput(input) as unknown as CreateDBClusterCommandInput),
      );
      for (let member = 1; member <= readers + 1; member++) {
        await createInstance({
          ...{ DBInstanceIdentifier: `shop-dev-db-${member}`, DBClusterIdentifier: 'shop-dev-db' },
          ...{ Engine: 'aurora-postgresql', DBInstanceClass: 'db.serverless' },
        });
      }
    },
    async have({ aws: own, stage }) {
      const have = await findStageDatabase(own, stage);
      if (have === undefined) throw new Error('the stage has no database');
      return have;
    },
  };
}
