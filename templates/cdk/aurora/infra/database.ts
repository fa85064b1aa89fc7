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
  minAcu: 0.5,
  maxAcu: 2,
  autoPauseSeconds: 300,
  reader: false,
  backupDays: 7,
  deletionProtection: true,
});

/** Aurora PostgreSQL, Serverless v2: private, encrypted, TLS only. With `minAcu` 0 it pauses while nobody is connected. */
export class Database extends Construct {
  readonly group: ec2.SecurityGroup;
  readonly resource: rds.CfnDBCluster;
  readonly host: string;
  /** `cluster-…`: the part of an `rds-db:connect` ARN. */
  readonly resourceId: string;
  /** Where the readers answer, which may lag behind by some milliseconds. */
  readonly readerHost?: string;

  constructor(scope: Construct, id: string, network: Network) {
    super(scope, id);
    this.group = newGroup(this, network.vpc, 'database');
    this.resource = new rds.CfnDBCluster(this, 'Cluster', {
      dbClusterIdentifier: nameOf(this, 'db'),
      databaseName,
      engine: 'aurora-postgresql',
      engineVersion: answers.version,
      serverlessV2ScalingConfiguration: {
        minCapacity: answers.minAcu,
        maxCapacity: answers.maxAcu,
        secondsUntilAutoPause: answers.minAcu === 0 ? answers.autoPauseSeconds : undefined,
      },
      storageEncrypted: true,
      masterUsername: 'lambdapg_admin',
      ...masterLogin,
      // The Data API, by which `lambdapg psql` works without the runner.
      enableHttpEndpoint: true,
      dbSubnetGroupName: this.#subnetGroup(network),
      dbClusterParameterGroupName: this.#parameters(),
      vpcSecurityGroupIds: [this.group.securityGroupId],
      port: 5432,
      backupRetentionPeriod: answers.backupDays,
      copyTagsToSnapshot: true,
      deletionProtection: answers.deletionProtection,
      enableCloudwatchLogsExports: ['postgresql'],
    });
    // What is deleted leaves a snapshot behind, which costs and is deleted by hand.
    this.resource.applyRemovalPolicy(RemovalPolicy.SNAPSHOT);
    tag(this.resource, 'db');
    this.host = this.resource.attrEndpointAddress;
    this.resourceId = this.resource.attrDbClusterResourceId;
    const writer = this.#member('Writer', 'db-1', 0);
    if (!answers.reader) return;
    // Whichever is first becomes the writer.
    this.#member('Reader', 'db-reader', 1).addResourceDependency(writer);
    this.readerHost = this.resource.attrReadEndpointAddress;
  }

  #member(id: string, resource: string, promotionTier: number): rds.CfnDBInstance {
    const member = new rds.CfnDBInstance(this, id, {
      dbInstanceIdentifier: nameOf(this, resource),
      dbClusterIdentifier: this.resource.ref,
      engine: 'aurora-postgresql',
      dbInstanceClass: 'db.serverless',
      publiclyAccessible: false,
      caCertificateIdentifier: 'rds-ca-rsa2048-g1',
      promotionTier,
    });
    // A member's data are the cluster's.
    member.applyRemovalPolicy(RemovalPolicy.DESTROY);
    tag(member, resource);
    return member;
  }

  #subnetGroup({ vpc, subnets }: Network): string {
    const description = nameOf(this, 'db');
    return new rds.SubnetGroup(this, 'Subnets', { vpc, vpcSubnets: subnets, description }).subnetGroupName;
  }

  #parameters(): string {
    const group = new rds.CfnDBClusterParameterGroup(this, 'Parameters', {
      family: `aurora-postgresql${major}`,
      description: nameOf(this, 'db'),
      // No connection without TLS, said aloud.
      parameters: { 'rds.force_ssl': '1' },
    });
    return group.ref;
  }
}
