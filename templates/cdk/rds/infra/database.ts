import { RemovalPolicy } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import { newGroup } from './groups.ts';
import { masterLogin } from './login.ts';
import { nameOf, tag } from './names.ts';
import type { Network } from './network.ts';
import { databaseName, project, settings } from './project.ts';

const major = String(project.postgres.version);
const answers = settings('database', {
  version: major,
  instanceClass: 'db.t4g.micro',
  storageGb: 20,
  multiAz: false,
  reader: false,
  backupDays: 7,
  deletionProtection: true,
});

/** PostgreSQL on one RDS instance: private, encrypted, TLS only. */
export class Database extends Construct {
  readonly group: ec2.SecurityGroup;
  readonly resource: rds.CfnDBInstance;
  readonly host: string;
  /** `db-…`: the part of an `rds-db:connect` ARN. */
  readonly resourceId: string;
  /** Of a read replica, which lags behind. RDS Proxy serves none: that takes Aurora. */
  readonly readerHost?: string;

  constructor(scope: Construct, id: string, network: Network) {
    super(scope, id);
    this.group = newGroup(this, network.vpc, 'database');
    this.resource = new rds.CfnDBInstance(this, 'Instance', {
      dbInstanceIdentifier: nameOf(this, 'db'),
      dbName: databaseName,
      engine: 'postgres',
      engineVersion: answers.version,
      dbInstanceClass: answers.instanceClass,
      allocatedStorage: String(answers.storageGb),
      storageType: 'gp3',
      storageEncrypted: true,
      multiAz: answers.multiAz,
      masterUsername: 'lambdapg_admin',
      ...masterLogin,
      dbSubnetGroupName: this.#subnetGroup(network),
      dbParameterGroupName: this.#parameters(),
      vpcSecurityGroups: [this.group.securityGroupId],
      publiclyAccessible: false,
      port: '5432',
      backupRetentionPeriod: answers.backupDays,
      copyTagsToSnapshot: true,
      deletionProtection: answers.deletionProtection,
      autoMinorVersionUpgrade: true,
      enableCloudwatchLogsExports: ['postgresql', 'upgrade'],
      caCertificateIdentifier: 'rds-ca-rsa2048-g1',
    });
    // What is deleted leaves a snapshot behind, which costs and is deleted by hand.
    this.resource.applyRemovalPolicy(RemovalPolicy.SNAPSHOT);
    tag(this.resource, 'db');
    this.host = this.resource.attrEndpointAddress;
    this.resourceId = this.resource.attrDbiResourceId;
    if (answers.reader) this.readerHost = this.#replica().attrEndpointAddress;
  }

  #subnetGroup({ vpc, subnets }: Network): string {
    const description = nameOf(this, 'db');
    return new rds.SubnetGroup(this, 'Subnets', { vpc, vpcSubnets: subnets, description }).subnetGroupName;
  }

  #parameters(): string {
    const group = new rds.CfnDBParameterGroup(this, 'Parameters', {
      family: `postgres${major}`,
      description: nameOf(this, 'db'),
      // No connection without TLS. The default since PostgreSQL 15, said aloud.
      parameters: { 'rds.force_ssl': '1' },
    });
    return group.ref;
  }

  /** Encrypted as its source is: it takes no answer of its own. */
  #replica(): rds.CfnDBInstance {
    const replica = new rds.CfnDBInstance(this, 'Replica', {
      dbInstanceIdentifier: nameOf(this, 'db-reader'),
      sourceDbInstanceIdentifier: this.resource.ref,
      dbInstanceClass: answers.instanceClass,
      enableIamDatabaseAuthentication: masterLogin.enableIamDatabaseAuthentication,
      vpcSecurityGroups: [this.group.securityGroupId],
      publiclyAccessible: false,
      copyTagsToSnapshot: true,
      caCertificateIdentifier: 'rds-ca-rsa2048-g1',
    });
    replica.applyRemovalPolicy(RemovalPolicy.DESTROY);
    tag(replica, 'db-reader');
    return replica;
  }
}
