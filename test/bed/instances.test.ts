import { describe } from 'vitest';
import {
  type Aws,
  at,
  clusterInput,
  differs,
  instanceInput,
  makeSubnetGroup,
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
      await ready(aws, 'DescribeDBInstances', {});
      await describeInstance(aws)();
      const second = await read();
      return [first.username, first.password.length, second.username, second.password !== first.password];
    },
    ['lambdapg', 28, 'lambdapg', true],
  );

  differs(
    'rds-master-rotation',
    'takes some reads, until which the former password stands',
    async (aws, bed) => {
      await bed.pace({ default: 0, 'rds.masterSecret': 2 });
      const input = instanceInput({ MasterUserPassword: undefined, ManageMasterUserPassword: true });
      const made = await aws('rds', 'CreateDBInstance', input);
      const SecretId = text(made, 'DBInstance.MasterUserSecret.SecretArn');
      const read = async () => (await aws('secretsmanager', 'GetSecretValue', { SecretId })).SecretString;
      const first = await read();
      const asked = await aws('rds', 'ModifyDBInstance', {
        ...{ DBInstanceIdentifier: 'db1', RotateMasterUserPassword: true, ApplyImmediately: true },
      });
      const seen = [[at(asked, 'DBInstance.MasterUserSecret.SecretStatus'), (await read()) === first]];
      for (let turn = 0; turn < 3; turn++) {
        const described = await describeInstance(aws)();
        seen.push([at(described, 'DBInstances.0.MasterUserSecret.SecretStatus'), (await read()) === first]);
      }
      return seen;
    },
    [
      ['rotating', true],
      ['rotating', true],
      ['rotating', true],
      ['active', false],
    ],
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
