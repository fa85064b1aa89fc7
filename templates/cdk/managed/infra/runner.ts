import { Size } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { Database } from './database.ts';
import { connect, newGroup } from './groups.ts';
import { inNetwork, networkInterfaces } from './in-network.ts';
import { lambdaFunction } from './lambda-function.ts';
import { tag } from './names.ts';
import type { Network } from './network.ts';

/**
 * Works on the private database for `lambdapg migrate`, `seed` and `psql --stage`. It holds no secret and may do nothing in AWS:
 * whoever may invoke it brings the login along.
 */
export class Runner extends Construct {
  readonly name: string;
  readonly group: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, network: Network, database: Database) {
    super(scope, id);
    this.group = newGroup(this, network.vpc, 'runner');
    connect(this.group, database.group, 5432);
    const made = lambdaFunction(this, 'Function', {
      name: 'runner',
      zip: 'runner',
      description: 'lambdapg: works on the private database',
      handler: 'index.handler',
      // As it was built, whatever the project's own language is.
      ...{ runtime: 'nodejs22.x', architecture: 'arm64' },
      ...{ memoryMb: 1024, timeoutSeconds: 900, ephemeralStorage: Size.gibibytes(2) },
      statements: networkInterfaces,
      network: inNetwork(network, this.group),
    });
    tag(made, 'runner');
    this.name = made.functionName;
  }
}
