import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Database } from './database.ts';
import { databaseName } from './project.ts';

/** No password at all: the master user logs in by IAM too. */
export const masterLogin = {
  masterUserAuthenticationType: 'iam-db-auth',
  enableIamDatabaseAuthentication: true,
};

/** The functions log in with a token that they sign themselves: nothing to store, and no call to make. */
export class Login extends Construct {
  readonly variables = { LAMBDAPG_DB_AUTH: 'iam', PGUSER: `${databaseName}_a` };
  readonly outputs = {};
  readonly schemaProperties = { auth: 'iam' };
  readonly schemaStatements: iam.PolicyStatement[];

  constructor(scope: Construct, id: string, database: Database) {
    super(scope, id);
    this.schemaStatements = [this.#connect(database.resourceId, 'lambdapg_admin')];
  }

  /** @param resourceId of the database or proxy that they connect to */
  functionStatements(resourceId: string): iam.PolicyStatement[] {
    return [this.#connect(resourceId, `${databaseName}_a`)];
  }

  /** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html */
  #connect(resourceId: string, user: string): iam.PolicyStatement {
    const { partition, region, account } = Stack.of(this);
    const arn = `arn:${partition}:rds-db:${region}:${account}:dbuser:${resourceId}/${user}`;
    return new iam.PolicyStatement({ actions: ['rds-db:connect'], resources: [arn] });
  }
}
