import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as rds from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import type { Database } from './database.ts';
import { databaseName } from './project.ts';

/** No password at all: the master user logs in by IAM too. */
export const masterLogin = {
  masterUserAuthenticationType: 'iam-db-auth',
  enableIamDatabaseAuthentication: true,
};

/** The functions log in with a token that they sign themselves, and the proxy with its own: nothing to store, no call to make. */
export class Login extends Construct {
  readonly variables = { LAMBDAPG_DB_AUTH: 'iam', PGUSER: `${databaseName}_a` };
  readonly outputs = {};
  readonly schemaProperties = { auth: 'iam' };
  readonly schemaStatements: iam.PolicyStatement[];
  /** IAM from end to end: clients to the proxy, and the proxy to the database. */
  readonly proxy: Pick<rds.CfnDBProxyProps, 'defaultAuthScheme'> = { defaultAuthScheme: 'IAM_AUTH' };
  /** The proxy's role logs in as the functions' users. CDK's own construct leaves this out. */
  readonly proxyStatements: iam.PolicyStatement[];

  constructor(scope: Construct, id: string, database: Database) {
    super(scope, id);
    this.schemaStatements = [this.#connect(database.resourceId, 'lambdapg_admin')];
    this.proxyStatements = [this.#connect(database.resourceId, `${databaseName}_a`, `${databaseName}_b`)];
  }

  /** @param resourceId of the database or proxy that they connect to */
  functionStatements(resourceId: string): iam.PolicyStatement[] {
    return [this.#connect(resourceId, `${databaseName}_a`)];
  }

  /** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html */
  #connect(resourceId: string, ...users: string[]): iam.PolicyStatement {
    const { partition, region, account } = Stack.of(this);
    const base = `arn:${partition}:rds-db:${region}:${account}:dbuser:${resourceId}`;
    return new iam.PolicyStatement({
      actions: ['rds-db:connect'],
      resources: users.map((user) => `${base}/${user}`),
    });
  }
}
