import { test } from 'vitest';
import type { EngineProject } from './engine-project.ts';
import { verifyStackEngine } from './stack-suite.ts';

/** What `sam deploy` does with samconfig.toml, except that parameters stay as they are. */
async function cloudformation({ engines, dir, env }: EngineProject): Promise<void> {
  const aws = (...args: string[]) => engines.run('aws', args, { cwd: dir, environment: env });
  const packaged = '.lambdapg/package/by-hand.yaml';
  await aws('s3', 'mb', 's3://uploads-by-hand');
  await aws(
    ...['cloudformation', 'package', '--template-file', 'template.yaml'],
    ...['--s3-bucket', 'uploads-by-hand', '--output-template-file', packaged],
  );
  await aws(
    ...['cloudformation', 'deploy', '--stack-name', 'shop-dev', '--template-file', packaged],
    ...['--capabilities', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND'],
    ...['--tags', 'lambdapg:project=shop', 'lambdapg:stage=dev', 'lambdapg:engine=sam'],
  );
}

test(
  'the AWS CLI deploys a SAM stage behind RDS Proxy, updates it and takes it away',
  { timeout: 1_200_000 },
  () =>
    verifyStackEngine(
      ['--template', 'sam-proxy'],
      ['AWS::RDS::DBInstance', 'AWS::RDS::DBProxy', 'AWS::Lambda::Alias', 'AWS::ApiGatewayV2::Api'],
      { deployByHand: cloudformation, hasChanges: false },
    ),
);
