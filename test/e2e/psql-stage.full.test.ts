import { describeStage } from './psql-stage-suite.ts';

// No secret anywhere: the runner is sent tokens.
describeStage('iam');
