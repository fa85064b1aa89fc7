import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Database } from './database.ts';
import { prefixOf, tag } from './names.ts';

/** RDS makes the master user's password, keeps it in a secret and rotates it; no template shows it. */
export const masterLogin = { manageMasterUserPassword: true, enableIamDatabaseAuthentication: false };

/**
 * The functions log in with what the secret `active` holds. CloudFormation makes it empty and never sees its value: the schema's
 * function fills it once, and from then on rotation alone changes it.
 */
export class Login extends Construct {
  readonly outputs: { readonly secretArn: string; readonly adminSecretArn: string };
  readonly variables: Readonly<Record<string, string>>;
  readonly schemaProperties: Readonly<Record<string, string>>;
  readonly schemaStatements: iam.PolicyStatement[];

  /** The one secret. It is encrypted with the key that Secrets Manager has in every account, which needs no permission. */
  readonly functionStatements: (resourceId: string) => iam.PolicyStatement[] = () => [
    read(this.outputs.secretArn),
  ];

  constructor(scope: Construct, id: string, database: Database) {
    super(scope, id);
    const active = new secretsmanager.CfnSecret(this, 'active', {
      name: `${prefixOf(this)}/active`,
      description: 'what the functions log in with',
    });
    tag(active, 'active');
    const adminSecretArn = database.resource.attrMasterUserSecretSecretArn;
    this.outputs = { secretArn: active.ref, adminSecretArn };
    this.variables = { LAMBDAPG_SECRET_ARN: active.ref };
    this.schemaProperties = { adminSecretArn, activeSecretArn: active.ref };
    this.schemaStatements = [
      read(adminSecretArn),
      new iam.PolicyStatement({
        actions: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
        resources: [active.ref],
      }),
    ];
  }
}

const read = (secretArn: string): iam.PolicyStatement =>
  new iam.PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secretArn] });
