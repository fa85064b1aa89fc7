import { describePacked } from './packed-suite.ts';

describePacked('python');
