import { test } from 'vitest';
import { verifyStackEngine } from './stack-suite.ts';

test('osls deploys a stage behind RDS Proxy, updates it and takes it away', { timeout: 1_200_000 }, () =>
  verifyStackEngine(
    ['--template', 'serverless-heroku', '--database', 'rds', '--proxy'],
    ['AWS::RDS::DBInstance', 'AWS::RDS::DBProxy', 'AWS::Lambda::Alias', 'AWS::ApiGatewayV2::Route'],
    null,
  ),
);
