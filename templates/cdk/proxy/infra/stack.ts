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
import { DatabaseProxy } from './proxy.ts';
import { Runner } from './runner.ts';
import { Schema } from './schema.ts';

/** HTTP API -> functions -> RDS Proxy -> PostgreSQL. */
export class __PROJECT_CLASS__Stack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    tagStack(this);
    const network = new Network(this, 'Network');
    const database = new Database(this, 'Database', network);
    const login = new Login(this, 'Login', database);
    const schema = new Schema(this, 'Schema', { network, database, login });
    const proxy = new DatabaseProxy(this, 'Proxy', { network, database, login });
    // The proxy logs in as soon as it is there: the logins must be there first.
    proxy.node.addDependency(schema.applied);
    const runner = new Runner(this, 'Runner', network, database);
    connect(runner.group, proxy.group, 5432);

    // The functions reach the proxy alone, not the database.
    const group = network.callerGroup(this, 'function');
    connect(group, proxy.group, 5432);
    const functions = new Functions(this, 'Functions', {
      variables: {
        // A proxy's certificate is publicly signed: no PGSSLROOTCERT.
        ...proxy.variables,
        PGPORT: '5432',
        PGDATABASE: databaseName,
        PGSSLMODE: 'verify-full',
        ...login.variables,
      },
      statements: (functionArn) => [
        ...networkInterfaces(functionArn),
        ...login.functionStatements(proxy.resourceId),
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
      ...proxy.outputs,
      ...login.outputs,
      runnerName: runner.name,
    });
  }
}
