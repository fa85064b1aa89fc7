import { postgresMajors } from '../../src/project/postgres-packages.ts';
import { describeRights } from './database-rights-suite.ts';

for (const major of postgresMajors) describeRights(major);
