import { describe } from 'vitest';
import {
  type Aws,
  at,
  clusterInput,
  differs,
  instanceInput,
  makeNetwork,
  makeSubnetGroup,
  walk,
} from './differs.ts';

const describeInstance = (aws: Aws) => () =>
  aws('rds', 'DescribeDBInstances', { DBInstanceIdentifier: 'db1' });

/** Until it is available. */
async function ready(aws: Aws, action: string, input: Record<string, unknown>): Promise<void> {
  await aws('rds', action, input);
  await aws('rds', action, input);
}

async function makeInstance(aws: Aws, changes: Record<string, unknown> = {}): Promise<void> {
  await aws('rds', 'CreateDBInstance', instanceInput(changes));
  await ready(aws, 'DescribeDBInstances', { DBInstanceIdentifier: 'db1' });
}

describe('clusters and groups', () => {
  differs(
    'states-rds.cluster',
    'creating, available, deleting, gone',
    async (aws) => {
      await aws('rds', 'CreateDBCluster', clusterInput());
      const ask = () => aws('rds', 'DescribeDBClusters', { DBClusterIdentifier: 'c1' });
      const created = await walk(ask, 'DBClusters.0.Status', 2);
      await aws('rds', 'DeleteDBCluster', { DBClusterIdentifier: 'c1', SkipFinalSnapshot: true });
      return [...created, ...(await walk(ask, 'DBClusters.0.Status', 2))];
    },
    ['creating', 'available', 'deleting', 'DBClusterNotFoundFault'],
  );

  differs(
    'rds-create-cluster-refusals',
    'twice, a version, a capacity',
    async (aws) => {
      await aws('rds', 'CreateDBCluster', clusterInput());
      const twice = await aws('rds', 'CreateDBCluster', clusterInput());
      const version = await aws(
        'rds',
        'CreateDBCluster',
        clusterInput({ DBClusterIdentifier: 'c2', EngineVersion: '12.7' }),
      );
      const capacity = await aws(
        'rds',
        'CreateDBCluster',
        clusterInput({
          DBClusterIdentifier: 'c3',
          ServerlessV2ScalingConfiguration: { MinCapacity: 0.3, MaxCapacity: 1 },
        }),
      );
      return [twice.error, version.error, capacity.error];
    },
    ['DBClusterAlreadyExistsFault', 'InvalidParameterCombination', 'InvalidParameterValue'],
  );

  differs(
    'rds-modify-cluster-missing',
    'an error, not a crash',
    async (aws) => (await aws('rds', 'ModifyDBCluster', { DBClusterIdentifier: 'none' })).error,
    'DBClusterNotFoundFault',
  );

  differs(
    'rds-delete-cluster-snapshot',
    'a final snapshot or a word that there is none',
    async (aws) => {
      await aws('rds', 'CreateDBCluster', clusterInput());
      return (await aws('rds', 'DeleteDBCluster', { DBClusterIdentifier: 'c1' })).error;
    },
    'InvalidParameterCombination',
  );

  differs(
    'rds-subnet-group-refusals',
    'one zone, two VPCs, twice',
    async (aws) => {
      const [one, other] = [await makeSubnetGroup(aws), await makeNetwork(aws)];
      const make = (name: string, SubnetIds: unknown[]) =>
        aws('rds', 'CreateDBSubnetGroup', {
          DBSubnetGroupName: name,
          DBSubnetGroupDescription: name,
          SubnetIds,
        });
      const zone = await make('a', [one.subnets[0]]);
      const vpcs = await make('b', [one.subnets[0], other.subnets[1]]);
      const twice = await make('sg', [...one.subnets]);
      return [zone.error, vpcs.error, twice.error];
    },
    ['DBSubnetGroupDoesNotCoverEnoughAZs', 'InvalidSubnet', 'DBSubnetGroupAlreadyExists'],
  );

  differs(
    'rds-subnet-group-in-use',
    'also while its instance is being deleted',
    async (aws) => {
      await makeSubnetGroup(aws);
      await makeInstance(aws, { DBSubnetGroupName: 'sg' });
      const remove = () => aws('rds', 'DeleteDBSubnetGroup', { DBSubnetGroupName: 'sg' });
      const used = await remove();
      await aws('rds', 'DeleteDBInstance', { DBInstanceIdentifier: 'db1', SkipFinalSnapshot: true });
      const going = await remove();
      await describeInstance(aws)();
      return [used.error, going.error, (await remove()).error];
    },
    ['InvalidDBSubnetGroupStateFault', 'InvalidDBSubnetGroupStateFault', undefined],
  );

  const makeParameterGroup = (aws: Aws, family: string) =>
    aws('rds', 'CreateDBParameterGroup', {
      DBParameterGroupName: 'pg',
      DBParameterGroupFamily: family,
      Description: 'pg',
    });

  differs(
    'rds-parameter-defaults',
    'engine defaults, of a default group too',
    async (aws) => {
      const list = await aws('rds', 'DescribeDBParameters', { DBParameterGroupName: 'default.postgres17' });
      const all = (list.Parameters ?? []) as { ParameterName: string; ParameterValue?: string }[];
      const value = (name: string) => all.find((one) => one.ParameterName === name)?.ParameterValue;
      return [value('rds.force_ssl'), value('max_connections')];
    },
    ['1', 'LEAST({DBInstanceClassMemory/9531392},5000)'],
  );

  differs(
    'rds-parameter-group-refusals',
    'an unknown family',
    async (aws) => (await makeParameterGroup(aws, 'postgres99')).error,
    'InvalidParameterValue',
  );

  differs(
    'rds-parameter-refusals',
    'an unknown parameter, a static one at once',
    async (aws) => {
      await makeParameterGroup(aws, 'postgres17');
      const errors = [];
      for (const ParameterName of ['no_such', 'max_connections']) {
        const Parameters = [{ ParameterName, ParameterValue: '10', ApplyMethod: 'immediate' }];
        errors.push(
          (await aws('rds', 'ModifyDBParameterGroup', { DBParameterGroupName: 'pg', Parameters })).error,
        );
      }
      return errors;
    },
    ['InvalidParameterValue', 'InvalidParameterCombination'],
  );

  differs(
    'rds-parameter-group-in-use',
    'is not deleted',
    async (aws) => {
      await makeParameterGroup(aws, 'postgres17');
      await makeInstance(aws, { DBParameterGroupName: 'pg' });
      return (await aws('rds', 'DeleteDBParameterGroup', { DBParameterGroupName: 'pg' })).error;
    },
    'InvalidDBParameterGroupState',
  );

  differs(
    'rds-engine-versions',
    'of PostgreSQL',
    async (aws) => {
      const list = await aws('rds', 'DescribeDBEngineVersions', { Engine: 'postgres', EngineVersion: '18' });
      return at(list, 'DBEngineVersions.0.DBParameterGroupFamily');
    },
    'postgres18',
  );

  differs(
    'rds-orderable-options',
    'of PostgreSQL',
    async (aws) => {
      const list = await aws('rds', 'DescribeOrderableDBInstanceOptions', {
        Engine: 'postgres',
        DBInstanceClass: 'db.t4g.micro',
        EngineVersion: '18',
      });
      return at(list, 'OrderableDBInstanceOptions.0.DBInstanceClass');
    },
    'db.t4g.micro',
  );

  differs(
    'rds-valid-modifications',
    'of an instance',
    async (aws) => {
      await makeInstance(aws);
      const answer = await aws('rds', 'DescribeValidDBInstanceModifications', {
        DBInstanceIdentifier: 'db1',
      });
      return at(answer, 'ValidDBInstanceModificationsMessage.Storage.0.StorageType');
    },
    'gp3',
  );
});
