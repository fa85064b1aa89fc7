// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
export type { CredentialSource, Credentials } from './credentials.ts';
export { Database, type Query, type QueryOptions, type Row, type Transaction } from './database.ts';
export { startInvocation } from './patience.ts';
export { type ProbeAnswer, withProbe } from './probe.ts';
export { readerEnvironment, type Settings, settingsFromEnvironment } from './settings.ts';
