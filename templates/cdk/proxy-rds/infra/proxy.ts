import { Fn } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import type { Database } from './database.ts';
import { connect, newGroup } from './groups.ts';
import type { Login } from './login.ts';
import { nameOf, tag } from './names.ts';
import type { Network } from './network.ts';
import { settings } from './project.ts';

interface ProxyAnswers {
  readonly borrowTimeoutSeconds: number;
  readonly maxConnectionsPercent: number;
  readonly maxIdleConnectionsPercent: number;
  readonly idleClientTimeoutSeconds: number;
  readonly requireTls: boolean;
  readonly initQuery?: string;
}

/** Each setting is explained in lambdapg.json's own schema. */
const answers = settings<ProxyAnswers>('proxy', {
  borrowTimeoutSeconds: 120,
  maxConnectionsPercent: 80,
  maxIdleConnectionsPercent: 50,
  idleClientTimeoutSeconds: 1_800,
  requireTls: true,
});

export interface ProxyProps {
  readonly network: Network;
  readonly database: Database;
  readonly login: Login;
}

/**
 * RDS Proxy: many execution environments on few connections. Written out, because CDK's own adds a second rule to
 * the database's group.
 */
export class DatabaseProxy extends Construct {
  readonly group: ec2.SecurityGroup;
  readonly variables: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  /** `prx-…`: the part of an `rds-db:connect` ARN. */
  readonly resourceId: string;

  constructor(scope: Construct, id: string, { network, database, login }: ProxyProps) {
    super(scope, id);
    this.group = newGroup(this, network.vpc, 'proxy');
    connect(this.group, database.group, 5432);
    const place = {
      vpcSubnetIds: network.vpc.selectSubnets(network.subnets).subnetIds,
      vpcSecurityGroupIds: [this.group.securityGroupId],
    };
    const proxy = new rds.CfnDBProxy(this, 'Proxy', {
      ...place,
      dbProxyName: nameOf(this, 'proxy'),
      engineFamily: 'POSTGRESQL',
      roleArn: this.#role(login).roleArn,
      requireTls: answers.requireTls,
      idleClientTimeout: answers.idleClientTimeoutSeconds,
      ...login.proxy,
    });
    tag(proxy, 'proxy');
    const targets = new rds.CfnDBProxyTargetGroup(this, 'Targets', {
      dbProxyName: proxy.ref,
      // The only name that RDS takes.
      targetGroupName: 'default',
      dbInstanceIdentifiers: [database.resource.ref],
      connectionPoolConfigurationInfo: {
        maxConnectionsPercent: answers.maxConnectionsPercent,
        maxIdleConnectionsPercent: Math.min(answers.maxIdleConnectionsPercent, answers.maxConnectionsPercent),
        connectionBorrowTimeout: answers.borrowTimeoutSeconds,
        initQuery: answers.initQuery,
      },
    });
    // Its only way to the database.
    targets.node.addDependency(this.group);
    this.resourceId = Fn.select(6, Fn.split(':', proxy.attrDbProxyArn));
    this.variables = { PGHOST: proxy.attrEndpoint };
    this.outputs = { proxyHost: proxy.attrEndpoint };
  }

  #role(login: Login): iam.Role {
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('rds.amazonaws.com'),
      description: 'logs the proxy in to the database',
      inlinePolicies: { lambdapg: new iam.PolicyDocument({ statements: login.proxyStatements }) },
    });
    tag(role, 'proxy');
    return role;
  }
}
