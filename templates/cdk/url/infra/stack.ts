import { Stack, type StackProps } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { Callers } from './callers.ts';
import { Functions } from './functions.ts';
import { addOutputs, prefixOf, tag, tagStack } from './names.ts';

/** HTTP API -> functions -> a PostgreSQL outside AWS, over the internet with verified TLS. */
export class __PROJECT_CLASS__Stack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    tagStack(this);
    // Made empty: its value, JSON with host, port, dbname, username and password, is put in by hand and changed there.
    const login = new secretsmanager.CfnSecret(this, 'Login', {
      name: `${prefixOf(this)}/active`,
      description: 'where the database is and what the functions log in with',
    });
    tag(login, 'active');
    const functions = new Functions(this, 'Functions', {
      variables: { PGSSLMODE: 'verify-full', LAMBDAPG_SECRET_ARN: login.ref },
      statements: () => [
        new iam.PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [login.ref] }),
      ],
    });
    const callers = new Callers(this, 'Callers', functions.aliases);
    addOutputs(this, { url: callers.url, secretArn: login.ref });
  }
}
