import { describeRights } from './database-rights-suite.ts';

describeRights(17);
