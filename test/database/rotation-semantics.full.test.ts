import { postgresMajors } from '../../src/project/postgres-packages.ts';
import { describeRotationSemantics } from './rotation-semantics-suite.ts';

for (const major of postgresMajors) describeRotationSemantics(major, { lagMs: 3_000 });
