// A cold start with the connection runtime: import, credentials from a secret, connect, one row.
import { Database, settingsFromEnvironment } from '../../../templates/runtime-node/lambdapg-runtime/index.ts';

const database = new Database(() => settingsFromEnvironment(process.env));
if (process.argv[2] !== 'import') {
  await database.query('select 1 as one');
  await database.close();
}
