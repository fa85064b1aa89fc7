import { postgresMajors } from '../../src/project/postgres-packages.ts';
import { describeRoles } from './roles-suite.ts';

for (const major of postgresMajors) describeRoles(major);
