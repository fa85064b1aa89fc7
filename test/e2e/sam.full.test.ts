import { test } from 'vitest';
import { verifyStackEngine } from './stack-suite.ts';

test(
  'the AWS CLI deploys a SAM stage behind RDS Proxy, updates it and takes it away',
  { timeout: 1_200_000 },
  () =>
    verifyStackEngine(
      ['--template', 'sam-proxy'],
      ['AWS::RDS::DBInstance', 'AWS::RDS::DBProxy', 'AWS::Lambda::Alias', 'AWS::ApiGatewayV2::Api'],
      false,
    ),
);
