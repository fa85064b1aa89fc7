import { describeStage } from './psql-stage-suite.ts';

describeStage('secret');
