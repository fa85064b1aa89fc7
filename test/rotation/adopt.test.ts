import { describeAdopt } from './adopt-suite.ts';

describeAdopt(15, 'quoted');
describeAdopt(17, 'plain');
