import { describeAdopt } from './adopt-suite.ts';

describeAdopt(16);
describeAdopt(18);
