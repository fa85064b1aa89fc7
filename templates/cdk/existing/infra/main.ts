import { App } from 'aws-cdk-lib';
import { project, stageOf } from './project.ts';
import { __PROJECT_CLASS__Stack } from './stack.ts';

const app = new App();
// `cdk deploy -c stage=prod`: each stage is a stack of its own.
const stage = stageOf(app);
const { CDK_DEFAULT_ACCOUNT, CDK_DEFAULT_REGION } = process.env;

new __PROJECT_CLASS__Stack(app, `${project.name}-${stage}`, {
  description: `${project.name} (${stage}): Lambda on PostgreSQL`,
  // The account and region of the credentials, which the CLI sets: CDK looks up the VPC of your subnets there.
  env: { account: CDK_DEFAULT_ACCOUNT, region: project.cloud.region ?? CDK_DEFAULT_REGION },
});
