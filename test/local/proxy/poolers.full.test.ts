import { startPgBouncer } from './pgbouncer.ts';
import { describePooler } from './pooler-suite.ts';

// The second opinion: what the suite expects of the local proxy, a pooler of others does too.
describePooler('PgBouncer', startPgBouncer);
