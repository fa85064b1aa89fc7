import { App } from 'aws-cdk-lib';
import { project, stageOf } from './project.ts';
import { __PROJECT_CLASS__Stack } from './stack.ts';

const app = new App();
// `cdk deploy -c stage=prod`: each stage is a stack of its own.
const stage = stageOf(app);

new __PROJECT_CLASS__Stack(app, `${project.name}-${stage}`, {
  description: `${project.name} (${stage}): Lambda on PostgreSQL`,
  // The account, and the region where lambdapg.json names none, are those of the credentials that deploy.
  env: { region: project.cloud.region },
});
