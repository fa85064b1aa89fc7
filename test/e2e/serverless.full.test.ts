import { test } from 'vitest';
import type { EngineProject } from './engine-project.ts';
import { verifyStackEngine } from './stack-suite.ts';

/** As the project's README says. */
const osls = ({ engines, dir, env }: EngineProject): Promise<unknown> =>
  engines.run('osls', ['deploy', '--stage', 'dev'], { cwd: dir, environment: env });

test('osls deploys a stage behind RDS Proxy, updates it and takes it away', { timeout: 1_200_000 }, () =>
  verifyStackEngine(
    ['--template', 'serverless-heroku', '--database', 'rds', '--proxy'],
    ['AWS::RDS::DBInstance', 'AWS::RDS::DBProxy', 'AWS::Lambda::Alias', 'AWS::ApiGatewayV2::Route'],
    { deployByHand: osls, hasChanges: null },
  ),
);
