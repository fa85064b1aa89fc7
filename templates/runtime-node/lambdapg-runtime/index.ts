// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
export { Database, type Query, type Row, type Transaction } from './database.ts';
export { type Credentials, type Settings, settingsFromEnvironment } from './settings.ts';
