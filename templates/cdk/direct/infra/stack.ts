import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Callers } from './callers.ts';
import { Database } from './database.ts';
import { Functions } from './functions.ts';
import { connect } from './groups.ts';
import { inNetwork, networkInterfaces } from './in-network.ts';
import { Login } from './login.ts';
import { addOutputs, tagStack } from './names.ts';
import { Network } from './network.ts';
import { databaseName } from './project.ts';
import { Runner } from './runner.ts';
import { Schema } from './schema.ts';

/** HTTP API -> functions -> PostgreSQL. */
export class __PROJECT_CLASS__Stack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    tagStack(this);
    const network = new Network(this, 'Network');
    const database = new Database(this, 'Database', network);
    const login = new Login(this, 'Login', database);
    const schema = new Schema(this, 'Schema', { network, database, login });
    const runner = new Runner(this, 'Runner', network, database);

    const group = network.callerGroup(this, 'function');
    connect(group, database.group, 5432);
    const functions = new Functions(this, 'Functions', {
      variables: {
        PGHOST: database.host,
        PGPORT: '5432',
        PGDATABASE: databaseName,
        PGSSLMODE: 'verify-full',
        // The authorities of RDS, which no system trusts by itself: packed beside the code.
        PGSSLROOTCERT: './rds-ca.pem',
        ...(database.readerHost !== undefined && { PGHOST_READER: database.readerHost }),
        ...login.variables,
      },
      statements: (functionArn) => [
        ...networkInterfaces(functionArn),
        ...login.functionStatements(database.resourceId),
      ],
      network: inNetwork(network, group),
    });
    // Code that needs a new column is not there before the column.
    functions.node.addDependency(schema.applied);
    const callers = new Callers(this, 'Callers', functions.aliases);

    addOutputs(this, {
      url: callers.url,
      databaseHost: database.host,
      databasePort: '5432',
      databaseName,
      readerHost: database.readerHost,
      ...login.outputs,
      runnerName: runner.name,
    });
  }
}
