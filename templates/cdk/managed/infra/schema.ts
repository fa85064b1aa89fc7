import { CustomResource, FileSystem, RemovalPolicy, Size } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import type { Database } from './database.ts';
import { connect } from './groups.ts';
import { inNetwork, networkInterfaces } from './in-network.ts';
import { lambdaFunction } from './lambda-function.ts';
import type { Login } from './login.ts';
import { tag } from './names.ts';
import type { Network } from './network.ts';
import { packagePath, project } from './project.ts';

export interface SchemaProps {
  readonly network: Network;
  readonly database: Database;
  readonly login: Login;
}

/**
 * Roles, migrations and seeds, as a part of the deployment: after the database is there and before any function that needs
 * them. Forward only: when CloudFormation rolls a deployment back, the schema stays as it is, so a migration must suit the code
 * before it too.
 */
export class Schema extends Construct {
  /** What needs the schema depends on this. */
  readonly applied: CustomResource;

  constructor(scope: Construct, id: string, { network, database, login }: SchemaProps) {
    super(scope, id);
    const group = network.callerGroup(this, 'schema');
    connect(group, database.group, 5432);
    const worker = lambdaFunction(this, 'Function', {
      name: 'schema',
      zip: 'schema',
      description: 'lambdapg: roles, migrations and seeds during a deployment',
      handler: 'index.handler',
      ...{ runtime: 'nodejs22.x', architecture: 'arm64' },
      ...{ memoryMb: 1024, timeoutSeconds: 900, ephemeralStorage: Size.gibibytes(2) },
      statements: (functionArn) => [...networkInterfaces(functionArn), ...login.schemaStatements],
      network: inNetwork(network, group),
    });
    tag(worker, 'schema');
    // A function in a network without an exit cannot answer CloudFormation, which waits for a file in S3: the provider's own
    // function, outside the network, asks this one and passes the answer on.
    const provider = new Provider(this, 'Provider', {
      onEventHandler: worker,
      logGroup: new logs.LogGroup(this, 'ProviderLogs', {
        retention: project.cloud.logRetentionDays,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
    });
    this.applied = new CustomResource(this, 'Update', {
      resourceType: 'Custom::LambdapgSchema',
      serviceToken: provider.serviceToken,
      properties: {
        ...login.schemaProperties,
        host: database.host,
        // Whenever migrations, seeds or the code that applies them change, it runs again.
        package: FileSystem.fingerprint(packagePath('schema')),
      },
    });
    // It needs more than the properties name: an open way and a member that answers.
    this.applied.node.addDependency(network, database, group);
  }
}
