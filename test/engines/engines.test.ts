import { describe, expect, test } from 'vitest';
import { cdk } from '../../src/engines/cdk.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { sam } from '../../src/engines/sam.ts';
import { serverless } from '../../src/engines/serverless.ts';
import { terraform } from '../../src/engines/terraform.ts';
import { callsIn, makePlace, open, putTool } from './fake-tool.ts';

const known = `case "$1" in
  --version) echo "2.1148.1 (build x)"; echo "osls version: 4.3.1"; echo "aws-cli/2.31.0 Python/3"; exit 0;;
  version) echo '  "terraform_version": "1.11.4",'; exit 0;;
esac`;

/** What an engine calls, after the question for its version. @param answer of its tool, in the words of `sh` */
async function callsOf<T>(
  engine: Engine,
  work: (call: {
    tool: Awaited<ReturnType<typeof open>>;
    stage: Parameters<Engine['deploy']>[1];
  }) => Promise<T>,
  answer = '',
): Promise<{ readonly calls: string[]; readonly result: T }> {
  const place = await makePlace();
  await putTool(place.bin, engine.tool.file, `${known}\n${answer}`);
  const result = await work({ tool: await open(place, engine), stage: place.stage });
  const calls = (await callsIn(place.bin)).slice(1).map((call) => call.replaceAll(place.project.dir, '.'));
  return { calls, result };
}

test('deploy', async () => {
  const deploy = async (engine: Engine) =>
    (await callsOf(engine, ({ tool, stage }) => engine.deploy(tool, stage))).calls;
  expect(await deploy(cdk)).toEqual(['deploy shop-dev --context stage=dev --require-approval never']);
  expect(await deploy(terraform)).toEqual([
    ...['init -input=false', 'workspace select -or-create dev', 'apply -input=false -auto-approve'],
  ]);
  expect(await deploy(serverless)).toEqual(['deploy --stage dev --region eu-central-1']);
  expect((await deploy(sam)).map((call) => call.split(' ').slice(0, 4).join(' '))).toEqual([
    'cloudformation deploy --stack-name lambdapg-uploads',
    'cloudformation package --template-file template.yaml',
    'cloudformation deploy --stack-name shop-dev',
  ]);
});

test('the VPC of subnets that exist goes along to the engines that cannot ask for it', async () => {
  const deploy = (engine: Engine) =>
    callsOf(engine, ({ tool, stage }) => engine.deploy(tool, { ...stage, vpcId: 'vpc-0a1' }));
  const { calls } = await deploy(serverless);
  expect(calls).toEqual(['deploy --stage dev --region eu-central-1 --param vpcId=vpc-0a1']);
  expect((await deploy(sam)).calls.at(-1)).toContain(' Vpc=vpc-0a1 ');
});

test('destroy', async () => {
  const destroy = async (engine: Engine) =>
    (await callsOf(engine, ({ tool, stage }) => engine.destroy(tool, stage))).calls;
  expect(await destroy(cdk)).toEqual(['destroy shop-dev --context stage=dev --force']);
  expect((await destroy(terraform)).at(-1)).toBe('destroy -input=false -auto-approve');
  expect(await destroy(serverless)).toEqual(['remove --stage dev --region eu-central-1']);
  expect(await destroy(sam)).toEqual([
    'cloudformation delete-stack --stack-name shop-dev',
    'cloudformation wait stack-delete-complete --stack-name shop-dev',
  ]);
});

describe('plan', () => {
  const plan = async (engine: Engine, answer: string) =>
    callsOf(engine, ({ tool, stage }) => engine.plan?.(tool, stage) ?? Promise.resolve(undefined), answer);
  const differences = (count: number) => `echo "✨  Number of stacks with differences: ${count}" >&2`;

  test('of CDK tells differences from a failure, which have one exit code', async () => {
    expect((await plan(cdk, differences(0))).result).toBe(false);
    expect((await plan(cdk, `${differences(1)}; exit 1`)).result).toBe(true);
    await expect(plan(cdk, 'echo "synth failed"; exit 1')).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });

  test('of Terraform is its exit code', async () => {
    const whenPlanning = (exit: number) => `[ "$1" = plan ] && exit ${exit}; exit 0`;
    expect((await plan(terraform, whenPlanning(0))).result).toBe(false);
    expect((await plan(terraform, whenPlanning(2))).result).toBe(true);
    await expect(plan(terraform, whenPlanning(1))).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });

  test('of SAM is a change set that is shown and taken away, with the stack that was made for it', async () => {
    const changeSet = 'arn:aws:cloudformation:eu-central-1:1:changeSet/a/b';
    const { calls, result } = await plan(
      sam,
      `case "$*" in
  *--no-execute-changeset*) echo "aws cloudformation describe-change-set --change-set-name ${changeSet}";;
  *describe-stacks*) echo REVIEW_IN_PROGRESS;;
esac`,
    );
    expect(result).toBe(true);
    expect(calls.slice(-4).map((call) => call.split(' ')[1])).toEqual([
      ...['describe-change-set', 'delete-change-set', 'describe-stacks', 'delete-stack'],
    ]);
    const nothing = `case "$*" in *--no-execute-changeset*)
  echo "No changes to deploy. Stack shop-dev is up to date" >&2; exit 255;; esac`;
    expect((await plan(sam, nothing)).result).toBe(false);
  });

  test('osls has none', () => {
    expect(serverless.plan).toBeUndefined();
  });
});

test('Terraform’s state is read in the stage’s workspace, without selecting it', async () => {
  const { calls, result } = await callsOf(
    terraform,
    ({ tool, stage }) => terraform.readState?.(tool, stage) ?? Promise.reject(new Error('no state')),
    `[ "$TF_WORKSPACE" = dev ] || exit 1
case "$1" in
  output) echo '{"url": {"value": "https://x"}, "readerHost": {"value": null}, "databasePort": {"value": 5432}}';;
  state) echo aws_vpc.main; echo data.aws_region.current; echo 'module.a.data.aws_region.b'; echo 'aws_subnet.a["x"]';;
esac`,
  );
  expect(calls).toEqual(['output -json', 'state list']);
  expect(result).toEqual({
    outputs: { url: 'https://x', databasePort: '5432' },
    resources: ['aws_vpc.main', 'aws_subnet.a["x"]'],
  });
});
