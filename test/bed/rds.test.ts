import { describe } from 'vitest';
import {
  type Aws,
  at,
  clusterInput,
  differs,
  instanceInput,
  makeNetwork,
  makeSubnetGroup,
  proxyInput,
  text,
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

async function makeProxy(aws: Aws, changes: Record<string, unknown> = {}): Promise<void> {
  const network = await makeNetwork(aws);
  await aws('rds', 'CreateDBProxy', proxyInput(network, changes));
  await ready(aws, 'DescribeDBProxies', { DBProxyName: 'p1' });
}

describe('DB instances', () => {
  differs(
    'states-rds.instance',
    'creating, available, deleting, gone',
    async (aws) => {
      await aws('rds', 'CreateDBInstance', instanceInput());
      const created = await walk(describeInstance(aws), 'DBInstances.0.DBInstanceStatus', 2);
      const again = await aws('rds', 'DeleteDBInstance', {
        DBInstanceIdentifier: 'db1',
        SkipFinalSnapshot: true,
      });
      const late = await aws('rds', 'CreateDBInstance', instanceInput());
      const deleted = await walk(describeInstance(aws), 'DBInstances.0.DBInstanceStatus', 2);
      return [...created, at(again, 'DBInstance.DBInstanceStatus'), late.error, ...deleted];
    },
    ['creating', 'available', 'deleting', 'InvalidDBInstanceState', 'deleting', 'DBInstanceNotFound'],
  );

  differs(
    'rds-create-instance-refusals',
    'class, version, storage, user, password, group',
    async (aws) => {
      const errors = [];
      for (const wrong of [
        { DBInstanceClass: 'db.t99.bogus' },
        { DBInstanceClass: 'db.serverless' },
        { EngineVersion: '99.1' },
        { AllocatedStorage: 1 },
        { MasterUsername: 'rdsadmin' },
        { MasterUserPassword: 'short' },
        { ManageMasterUserPassword: true },
        { VpcSecurityGroupIds: ['sg-00000000000000000'] },
      ])
        errors.push((await aws('rds', 'CreateDBInstance', instanceInput(wrong))).error);
      return errors;
    },
    [
      'InvalidParameterValue',
      'InvalidParameterCombination',
      'InvalidParameterCombination',
      'InvalidParameterCombination',
      'InvalidParameterValue',
      'InvalidParameterValue',
      'InvalidParameterCombination',
      'InvalidParameterValue',
    ],
  );

  differs(
    'rds-instance-identity',
    'a resource id of its own',
    async (aws) => {
      const one = await aws('rds', 'CreateDBInstance', instanceInput());
      const two = await aws('rds', 'CreateDBInstance', instanceInput({ DBInstanceIdentifier: 'db2' }));
      return at(one, 'DBInstance.DbiResourceId') !== at(two, 'DBInstance.DbiResourceId');
    },
    true,
  );

  differs(
    'rds-managed-secret',
    'the user and a new password, also after a rotation',
    async (aws) => {
      const made = await aws(
        'rds',
        'CreateDBInstance',
        instanceInput({ MasterUserPassword: undefined, ManageMasterUserPassword: true }),
      );
      const SecretId = text(made, 'DBInstance.MasterUserSecret.SecretArn');
      const read = async () =>
        JSON.parse(text(await aws('secretsmanager', 'GetSecretValue', { SecretId }), 'SecretString')) as {
          username: string;
          password: string;
        };
      const first = await read();
      await ready(aws, 'DescribeDBInstances', {});
      await aws('rds', 'ModifyDBInstance', {
        DBInstanceIdentifier: 'db1',
        RotateMasterUserPassword: true,
        ApplyImmediately: true,
      });
      const second = await read();
      return [first.username, first.password.length, second.username, second.password !== first.password];
    },
    ['lambdapg', 28, 'lambdapg', true],
  );

  differs(
    'rds-pending-modified-values',
    'a class waits for the maintenance window, a parameter group for a reboot',
    async (aws) => {
      await makeInstance(aws);
      await aws('rds', 'ModifyDBInstance', { DBInstanceIdentifier: 'db1', DBInstanceClass: 'db.t4g.small' });
      await ready(aws, 'DescribeDBInstances', {});
      const waiting = await describeInstance(aws)();
      await aws('rds', 'ModifyDBInstance', {
        DBInstanceIdentifier: 'db1',
        DBInstanceClass: 'db.t4g.small',
        ApplyImmediately: true,
      });
      await ready(aws, 'DescribeDBInstances', {});
      const applied = await describeInstance(aws)();
      return [
        at(waiting, 'DBInstances.0.DBInstanceClass'),
        at(waiting, 'DBInstances.0.PendingModifiedValues'),
        at(applied, 'DBInstances.0.DBInstanceClass'),
        at(applied, 'DBInstances.0.PendingModifiedValues'),
      ];
    },
    ['db.t4g.micro', { DBInstanceClass: 'db.t4g.small' }, 'db.t4g.small', {}],
  );

  differs(
    'rds-delete-instance-snapshot',
    'a final snapshot or a word that there is none',
    async (aws) => {
      await makeInstance(aws);
      const none = await aws('rds', 'DeleteDBInstance', { DBInstanceIdentifier: 'db1' });
      const both = await aws('rds', 'DeleteDBInstance', {
        DBInstanceIdentifier: 'db1',
        SkipFinalSnapshot: true,
        FinalDBSnapshotIdentifier: 'last',
      });
      return [none.error, both.error];
    },
    ['InvalidParameterCombination', 'InvalidParameterCombination'],
  );

  differs(
    'rds-network-interfaces',
    'hold the security group until the instance is gone',
    async (aws) => {
      const network = await makeSubnetGroup(aws);
      await makeInstance(aws, { DBSubnetGroupName: 'sg', VpcSecurityGroupIds: [network.group] });
      const held = await aws('ec2', 'DeleteSecurityGroup', { GroupId: network.group });
      await aws('rds', 'DeleteDBInstance', { DBInstanceIdentifier: 'db1', SkipFinalSnapshot: true });
      const later = await walk(
        () => aws('ec2', 'DeleteSecurityGroup', { GroupId: network.group }),
        'Return',
        2,
      );
      return [held.error, later[0], later[1] === 'DependencyViolation'];
    },
    ['DependencyViolation', 'DependencyViolation', false],
  );

  differs(
    'rds-instance-description',
    'the subnet group of a member of a cluster, certificate, key',
    async (aws) => {
      await makeSubnetGroup(aws);
      await aws('rds', 'CreateDBCluster', clusterInput({ DBSubnetGroupName: 'sg', StorageEncrypted: true }));
      const member = {
        Engine: 'aurora-postgresql',
        DBInstanceClass: 'db.serverless',
        DBClusterIdentifier: 'c1',
      };
      await aws('rds', 'CreateDBInstance', { DBInstanceIdentifier: 'db1', ...member });
      await describeInstance(aws)();
      const [instance] = (await describeInstance(aws)()).DBInstances as unknown[];
      return [
        at(instance, 'DBSubnetGroup.DBSubnetGroupName'),
        at(instance, 'CertificateDetails.CAIdentifier'),
        at(instance, 'Endpoint.HostedZoneId'),
      ];
    },
    ['sg', 'rds-ca-rsa2048-g1', 'Z2R2ITUGPM61AM'],
  );

  differs(
    'rds-master-by-iam',
    'a master user without a password',
    async (aws) => {
      const input = instanceInput({
        MasterUserPassword: undefined,
        MasterUserAuthenticationType: 'iam-db-auth',
      });
      const off = await aws('rds', 'CreateDBInstance', input);
      const on = await aws('rds', 'CreateDBInstance', { ...input, EnableIAMDatabaseAuthentication: true });
      return [
        off.error,
        at(on, 'DBInstance.DBInstanceStatus'),
        at(on, 'DBInstance.IAMDatabaseAuthenticationEnabled'),
      ];
    },
    ['InvalidParameterCombination', 'creating', true],
  );
});

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

describe('proxies', () => {
  const describeProxy = (aws: Aws) => () => aws('rds', 'DescribeDBProxies', { DBProxyName: 'p1' });

  differs(
    'states-rds.proxy',
    'creating, available, deleting, gone',
    async (aws) => {
      await aws('rds', 'CreateDBProxy', proxyInput(await makeNetwork(aws)));
      const created = await walk(describeProxy(aws), 'DBProxies.0.Status', 2);
      await aws('rds', 'DeleteDBProxy', { DBProxyName: 'p1' });
      return [...created, ...(await walk(describeProxy(aws), 'DBProxies.0.Status', 2))];
    },
    ['creating', 'available', 'deleting', 'DBProxyNotFoundFault'],
  );

  differs(
    'proxy-default-auth-scheme',
    'a proxy without any secret; neither scheme nor secret is refused',
    async (aws) => {
      const network = await makeNetwork(aws);
      const none = await aws('rds', 'CreateDBProxy', proxyInput(network, { Auth: undefined }));
      const iam = await aws(
        'rds',
        'CreateDBProxy',
        proxyInput(network, { Auth: undefined, DefaultAuthScheme: 'IAM_AUTH' }),
      );
      return [none.error, at(iam, 'DBProxy.DefaultAuthScheme'), at(iam, 'DBProxy.Auth')];
    },
    ['InvalidParameterCombination', 'IAM_AUTH', []],
  );

  differs(
    'proxy-description',
    'says RequireTLS and the defaults of its secrets',
    async (aws) => {
      await makeProxy(aws);
      const proxy = await describeProxy(aws)();
      return [at(proxy, 'DBProxies.0.RequireTLS'), at(proxy, 'DBProxies.0.Auth.0.ClientPasswordAuthType')];
    },
    [false, 'POSTGRES_SCRAM_SHA_256'],
  );

  differs(
    'proxy-modify',
    'changes timeout, TLS and groups',
    async (aws) => {
      await makeProxy(aws);
      await aws('rds', 'ModifyDBProxy', { DBProxyName: 'p1', RequireTLS: true, IdleClientTimeout: 60 });
      const seen = await walk(describeProxy(aws), 'DBProxies.0.Status', 2);
      const proxy = await describeProxy(aws)();
      return [...seen, at(proxy, 'DBProxies.0.RequireTLS'), at(proxy, 'DBProxies.0.IdleClientTimeout')];
    },
    ['modifying', 'available', true, 60],
  );

  differs(
    'proxy-delete',
    'of one that is not there is an error, not a crash',
    async (aws) => (await aws('rds', 'DeleteDBProxy', { DBProxyName: 'none' })).error,
    'DBProxyNotFoundFault',
  );

  differs(
    'proxy-network-interfaces',
    'hold the subnets',
    async (aws) => {
      const network = await makeNetwork(aws);
      await aws('rds', 'CreateDBProxy', proxyInput(network));
      return (await aws('ec2', 'DeleteSubnet', { SubnetId: network.subnets[0] })).error;
    },
    'DependencyViolation',
  );

  const registered = async (aws: Aws) => {
    await makeInstance(aws);
    await makeProxy(aws);
    return aws('rds', 'RegisterDBProxyTargets', { DBProxyName: 'p1', DBInstanceIdentifiers: ['db1'] });
  };

  differs(
    'proxy-target-registration',
    'unknown proxy and instance, twice',
    async (aws) => {
      await registered(aws);
      const register = async (DBProxyName: string, DBInstanceIdentifiers: string[]) =>
        (await aws('rds', 'RegisterDBProxyTargets', { DBProxyName, DBInstanceIdentifiers })).error;
      return [await register('none', ['db1']), await register('p1', ['none']), await register('p1', ['db1'])];
    },
    ['DBProxyNotFoundFault', 'DBInstanceNotFound', 'DBProxyTargetAlreadyRegisteredFault'],
  );

  differs(
    'proxy-target-description',
    'registering, available with address and role, unavailable with a reason',
    async (aws, bed) => {
      await registered(aws);
      const ask = () => aws('rds', 'DescribeDBProxyTargets', { DBProxyName: 'p1' });
      const states = await walk(ask, 'Targets.0.TargetHealth.State', 2);
      const target = await ask();
      await bed.targetHealth('p1', { State: 'UNAVAILABLE', Reason: 'AUTH_FAILURE' });
      const ill = await ask();
      const address = String(at(target, 'Targets.0.Endpoint')).split('.')[0];
      return [...states, address, at(target, 'Targets.0.Role'), at(ill, 'Targets.0.TargetHealth.Reason')];
    },
    ['REGISTERING', 'AVAILABLE', 'db1', 'READ_WRITE', 'AUTH_FAILURE'],
  );

  differs(
    'proxy-target-removal',
    'of a target that is not there is refused',
    async (aws) => {
      await makeProxy(aws);
      return (
        await aws('rds', 'DeregisterDBProxyTargets', { DBProxyName: 'p1', DBInstanceIdentifiers: ['db1'] })
      ).error;
    },
    'DBProxyTargetNotFoundFault',
  );

  differs(
    'proxy-target-group',
    'keeps the init query, refuses 600 % and filters that PostgreSQL has not',
    async (aws) => {
      await makeProxy(aws);
      const modify = (ConnectionPoolConfig: Record<string, unknown>) =>
        aws('rds', 'ModifyDBProxyTargetGroup', {
          DBProxyName: 'p1',
          TargetGroupName: 'default',
          ConnectionPoolConfig,
        });
      const kept = await modify({ InitQuery: 'SET x=1', MaxConnectionsPercent: 90 });
      const much = await modify({ MaxConnectionsPercent: 600 });
      const filters = await modify({ SessionPinningFilters: ['EXCLUDE_VARIABLE_SETS'] });
      return [at(kept, 'DBProxyTargetGroup.ConnectionPoolConfig.InitQuery'), much.error, filters.error];
    },
    ['SET x=1', 'InvalidParameterValue', 'InvalidParameterValue'],
  );

  const endpointInput = { DBProxyName: 'p1', DBProxyEndpointName: 'e1' };
  const makeEndpoint = async (aws: Aws, changes: Record<string, unknown> = {}) => {
    const network = await makeNetwork(aws);
    return aws('rds', 'CreateDBProxyEndpoint', {
      ...endpointInput,
      VpcSubnetIds: network.subnets,
      ...changes,
    });
  };

  differs(
    'proxy-endpoint',
    'is made, described, changed, deleted; none that only reads in front of an instance',
    async (aws) => {
      await registered(aws);
      const reads = await makeEndpoint(aws, { TargetRole: 'READ_ONLY' });
      const made = await makeEndpoint(aws);
      await ready(aws, 'DescribeDBProxyEndpoints', { DBProxyEndpointName: 'e1' });
      const all = await aws('rds', 'DescribeDBProxyEndpoints', { DBProxyName: 'p1' });
      const changed = await aws('rds', 'ModifyDBProxyEndpoint', {
        DBProxyEndpointName: 'e1',
        VpcSecurityGroupIds: [],
      });
      const names = (all.DBProxyEndpoints as { DBProxyEndpointName: string }[]).map(
        (one) => one.DBProxyEndpointName,
      );
      const missing = await aws('rds', 'DeleteDBProxyEndpoint', { DBProxyEndpointName: 'none' });
      return [reads.error, at(made, 'DBProxyEndpoint.TargetRole'), names, changed.error, missing.error];
    },
    [
      'InvalidParameterCombination',
      'READ_WRITE',
      ['default', 'e1'],
      undefined,
      'DBProxyEndpointNotFoundFault',
    ],
  );

  differs(
    'states-rds.proxyEndpoint',
    'creating, available, deleting, gone',
    async (aws) => {
      await makeProxy(aws);
      await makeEndpoint(aws);
      const ask = () => aws('rds', 'DescribeDBProxyEndpoints', { DBProxyEndpointName: 'e1' });
      const created = await walk(ask, 'DBProxyEndpoints.0.Status', 2);
      await aws('rds', 'DeleteDBProxyEndpoint', { DBProxyEndpointName: 'e1' });
      return [...created, ...(await walk(ask, 'DBProxyEndpoints.0.Status', 2))];
    },
    ['creating', 'available', 'deleting', 'DBProxyEndpointNotFoundFault'],
  );
});
