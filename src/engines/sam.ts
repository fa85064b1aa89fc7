import { UserError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { samParameters } from './sam-parameters.ts';
import type { EngineStage, Tool } from './tool.ts';
import { uploadsBucket, uploadsStack, uploadsTemplate } from './uploads-bucket.ts';

const packaged = '.lambdapg/package/template.packaged.yaml';

/** AWS SAM: template.yaml, by the AWS CLI, which needs no SAM CLI for it. */
export const sam: Engine = {
  title: 'AWS SAM',
  tool: {
    file: 'aws',
    folder: '.',
    versionArgs: ['--version'],
    readVersion: (printed) => /^aws-cli\/([\d.]+)/m.exec(printed)?.[1],
    range: '>=1.29.0 <3',
    install: ['https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html'],
    // AWS CLI 2 shows answers in a pager.
    environment: () => ({ AWS_PAGER: '' }),
  },
  async deploy(tool, stage) {
    await upload(tool, stage);
    const args = [...deployArgs(stage), '--no-fail-on-empty-changeset'];
    // It only says that it has failed: the reasons are events of the stack.
    if ((await tool.run(args, { accept: [0, 1, 255] })) === 0) return;
    const query =
      "StackEvents[?ends_with(ResourceStatus, '_FAILED')].[LogicalResourceId, ResourceStatusReason]";
    const events = [
      'cloudformation',
      'describe-stack-events',
      '--stack-name',
      stage.stack,
      '--max-items',
      '100',
    ];
    await tool.show([...events, '--query', query, '--output', 'text']);
    throw new UserError(
      'ENGINE_FAILED',
      `aws cloudformation deploy of ${stage.stack} failed; its words are above`,
    );
  },
  async plan(tool, stage) {
    await upload(tool, stage);
    const { exitCode, all } = await tool.show([...deployArgs(stage), '--no-execute-changeset']);
    // It exits 255 (CLI 1: 255, CLI 2: 255) when there is nothing to do, and 0 with --no-fail-on-empty-changeset alone.
    if (/No changes to deploy|didn't contain changes/.test(all)) return false;
    const changeSet = /--change-set-name (arn:\S+)/.exec(all)?.[1];
    if (exitCode !== 0 || changeSet === undefined) {
      throw new UserError('ENGINE_FAILED', `aws cloudformation deploy ended with exit code ${exitCode}`);
    }
    await describeChanges(tool, stage, changeSet);
    return true;
  },
  async destroy(tool, { stack }) {
    await tool.run(['cloudformation', 'delete-stack', '--stack-name', stack]);
    await tool.run(['cloudformation', 'wait', 'stack-delete-complete', '--stack-name', stack]);
  },
};

/** The zips go to a bucket of the account and region, which is made where it is missing. */
async function upload(tool: Tool, stage: EngineStage): Promise<void> {
  const template = await uploadsTemplate(stage);
  const bucket = uploadsBucket(stage);
  const made = ['--stack-name', uploadsStack, '--template-file', template, '--no-fail-on-empty-changeset'];
  await tool.run(['cloudformation', 'deploy', ...made]);
  const from = ['--template-file', 'template.yaml', '--s3-bucket', bucket, '--s3-prefix', stage.stack];
  await tool.run(['cloudformation', 'package', ...from, '--output-template-file', packaged]);
}

const deployArgs = ({ stack, stage, project, cloud, vpcId }: EngineStage): string[] => [
  ...['cloudformation', 'deploy', '--stack-name', stack, '--template-file', packaged],
  ...['--capabilities', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND'],
  ...['--parameter-overrides', ...samParameters(stage, cloud, vpcId)],
  ...['--tags', `lambdapg:project=${project}`, `lambdapg:stage=${stage}`, 'lambdapg:engine=sam'],
];

/** Shows a change set and takes it away again; with it the stack that CloudFormation made for it alone. */
async function describeChanges(tool: Tool, { stack }: EngineStage, changeSet: string): Promise<void> {
  const query = 'Changes[].ResourceChange.[Action,LogicalResourceId,ResourceType,Replacement]';
  const named = ['--change-set-name', changeSet];
  await tool.run(['cloudformation', 'describe-change-set', ...named, '--query', query, '--output', 'table']);
  await tool.read(['cloudformation', 'delete-change-set', ...named]);
  const status = ['--query', 'Stacks[0].StackStatus', '--output', 'text'];
  const found = await tool.read(['cloudformation', 'describe-stacks', '--stack-name', stack, ...status]);
  if (found.stdout.trim() === 'REVIEW_IN_PROGRESS')
    await tool.read(['cloudformation', 'delete-stack', '--stack-name', stack]);
}
