import { describeRotationSemantics } from './rotation-semantics-suite.ts';

describeRotationSemantics(17);
