import { describeAdopt } from './adopt-suite.ts';

describeAdopt(15);
describeAdopt(17);
