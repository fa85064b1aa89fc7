import * as iam from 'aws-cdk-lib/aws-iam';
import type * as rds from 'aws-cdk-lib/aws-rds';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Database } from './database.ts';
import { prefixOf, tag } from './names.ts';

/** RDS makes the master user's password, keeps it in a secret and rotates it; no template shows it. */
export const masterLogin = { manageMasterUserPassword: true, enableIamDatabaseAuthentication: false };

/**
 * The functions log in with what the secret `active` holds. The proxy knows one secret per login, so each of the two slots that
 * take turns when the password rotates has its own. CloudFormation makes them empty and never sees a value: the schema's
 * function fills them once, and from then on rotation alone changes them.
 */
export class Login extends Construct {
  readonly outputs: { readonly secretArn: string; readonly adminSecretArn: string };
  readonly variables: Readonly<Record<string, string>>;
  readonly schemaProperties: Readonly<Record<string, string>>;
  readonly schemaStatements: iam.PolicyStatement[];
  /** How the proxy logs in to the database, and clients to the proxy. */
  readonly proxy: Pick<rds.CfnDBProxyProps, 'auth'>;
  readonly proxyStatements: iam.PolicyStatement[];

  /** The one secret. It is encrypted with the key that Secrets Manager has in every account, which needs no permission. */
  readonly functionStatements: (resourceId: string) => iam.PolicyStatement[] = () => [
    read(this.outputs.secretArn),
  ];

  constructor(scope: Construct, id: string, database: Database) {
    super(scope, id);
    const active = this.#secret('active', 'what the functions log in with');
    const [a, b] = [this.#secret('slot-a', 'login a'), this.#secret('slot-b', 'login b')];
    const adminSecretArn = database.resource.attrMasterUserSecretSecretArn;
    this.outputs = { secretArn: active, adminSecretArn };
    this.variables = { LAMBDAPG_SECRET_ARN: active };
    this.schemaProperties = { adminSecretArn, activeSecretArn: active, slotASecretArn: a, slotBSecretArn: b };
    this.schemaStatements = [
      read(adminSecretArn),
      new iam.PolicyStatement({
        actions: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
        resources: [active, a, b],
      }),
    ];
    this.proxyStatements = [read(a, b)];
    this.proxy = {
      auth: [a, b].map((secretArn) => ({
        authScheme: 'SECRETS',
        iamAuth: 'DISABLED',
        clientPasswordAuthType: 'POSTGRES_SCRAM_SHA_256',
        secretArn,
      })),
    };
  }

  #secret(resource: string, description: string): string {
    const secret = new secretsmanager.CfnSecret(this, resource, {
      name: `${prefixOf(this)}/${resource}`,
      description,
    });
    tag(secret, resource);
    return secret.ref;
  }
}

const read = (...secretArns: string[]): iam.PolicyStatement =>
  new iam.PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: secretArns });
