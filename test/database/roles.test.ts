import { describeRoles } from './roles-suite.ts';

describeRoles(17);
