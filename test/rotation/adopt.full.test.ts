import { postgresMajors } from '../../src/project/postgres-packages.ts';
import { describeAdopt } from './adopt-suite.ts';

for (const major of postgresMajors) describeAdopt(major, 'plain', 'quoted');
