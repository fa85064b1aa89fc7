import { beforeEach, expect, test } from 'vitest';
import { planDestroy } from '../../../../../src/providers/aws/destroy-stage.ts';
import { verifyRemovable } from '../../../../../src/providers/aws/engine/engine-removal.ts';
import { takeLook } from '../../../../../src/providers/aws/look.ts';
import type { OpenWorld } from '../../../../../src/providers/aws/open-world.ts';
import { findRemains } from '../../../../../src/providers/aws/remains.ts';
import { findRotationOutput } from '../../../../../src/providers/aws/rotation/rotation-function/find-rotation-functions.ts';
import { rotationFunctionTag } from '../../../../../src/providers/aws/rotation/rotation-function/rotation-function-settings.ts';
import type { World } from '../../../../../src/providers/aws/steps/world.ts';
import { awsOf, makeFunction } from '../../../../bed/differs.ts';
import { testContext } from '../../../../postgres-server.ts';
import { type StageBed, startStageBed } from '../endpoints-world.ts';

const Tags = [
  { Key: 'lambdapg:project', Value: 'shop' },
  { Key: 'lambdapg:stage', Value: 'dev' },
];
const ofFunction = { 'lambdapg:project': 'shop', 'lambdapg:stage': 'dev', [rotationFunctionTag]: 'shop-dev' };

let stage: StageBed;
let world: OpenWorld;
let VpcConfig: { readonly SubnetIds: string[]; readonly SecurityGroupIds: string[] };

beforeEach(async () => {
  stage = await startStageBed();
  world = await stage.world();
  await stage.ask('secretsmanager', 'CreateSecret', { Name: 'shop-dev/active', SecretString: '{}', Tags });
  VpcConfig = await makeNetwork(Tags);
});

/** @param tags of another project: not the stage's */
async function makeNetwork(tags: typeof Tags) {
  const tagsOf = (ResourceType: string) => ({ TagSpecifications: [{ ResourceType, Tags: tags }] });
  const { Vpc } = await stage.ask<{ Vpc: { VpcId: string } }>('ec2', 'CreateVpc', {
    ...{ CidrBlock: '10.1.0.0/16', ...tagsOf('vpc') },
  });
  const { Subnet } = await stage.ask<{ Subnet: { SubnetId: string } }>('ec2', 'CreateSubnet', {
    ...{ VpcId: Vpc.VpcId, CidrBlock: '10.1.1.0/24', ...tagsOf('subnet') },
  });
  const { GroupId } = await stage.ask<{ GroupId: string }>('ec2', 'CreateSecurityGroup', {
    ...{ VpcId: Vpc.VpcId, GroupName: 'shop-dev-function', Description: 'functions' },
    ...tagsOf('security-group'),
  });
  return { SubnetIds: [Subnet.SubnetId], SecurityGroupIds: [GroupId] };
}

const make = (FunctionName: string, more: object) =>
  makeFunction(awsOf(stage.bed, false), { FunctionName, ...more });

/** As Secrets Manager shows a schedule, without one that runs. */
async function schedule(functionName: string): Promise<string> {
  const RotationLambdaARN = `arn:aws:lambda:us-east-1:${stage.bed.account}:function:${functionName}`;
  await stage.bed.hook({ after: ['secretsmanager:ListSecrets'] }, ({ output = {} }) => ({
    output: {
      ...output,
      SecretList: (output.SecretList as object[]).map((one) => ({
        ...{ ...one, RotationEnabled: true, RotationLambdaARN },
      })),
    },
  }));
  return RotationLambdaARN;
}

/** Both ways to take a stage down look before they begin. */
const looks = (world: World) => [planDestroy(world), verifyRemovable(world)];

const outcomes = async (all: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(all)).map((one) => (one.status === 'rejected' ? one.reason : undefined));

const removal = [
  'aws lambda delete-function --function-name shop-dev-rotation',
  'aws iam delete-role-policy --role-name shop-dev-rotation --policy-name lambdapg',
  'aws iam delete-role --role-name shop-dev-rotation',
];

test('a rotation function in the network of the stage: nothing is taken down before it', async () => {
  await make('shop-dev-rotation', { Tags: ofFunction, VpcConfig });
  const arn = await schedule('shop-dev-rotation');
  const refused = {
    code: 'ROTATION_FUNCTION_ATTACHED',
    message: expect.stringMatching(/: shop-dev-rotation$/),
    suggestions: ['aws secretsmanager cancel-rotate-secret --secret-id shop-dev/active', ...removal],
  };
  expect(await outcomes(looks(world))).toMatchObject([refused, refused]);
  const look = takeLook(world.aws, world.stage);
  expect(await findRotationOutput(world.stage, look)).toEqual({ rotationFunctionArn: arn });
});

test('one whose schedule was given up holds the network, too', async () => {
  await make('shop-dev-rotation', { Tags: ofFunction, VpcConfig });
  const refused = { code: 'ROTATION_FUNCTION_ATTACHED', suggestions: removal };
  expect(await outcomes(looks(world))).toMatchObject([refused, refused]);
  expect(await findRotationOutput(world.stage, takeLook(world.aws, world.stage))).toEqual({});
});

test('somebody’s own, elsewhere, stays and is named before and after, with what takes it away', async () => {
  await make('theirs', { VpcConfig: await makeNetwork([{ Key: 'owner', Value: 'somebody' }]) });
  await schedule('theirs');
  const context = testContext();
  expect(await outcomes(looks({ ...world, context }))).toEqual([undefined, undefined]);
  const commands =
    'aws secretsmanager cancel-rotate-secret --secret-id shop-dev/active; aws lambda delete-function --function-name theirs';
  const warning = { type: 'destroy-warning', message: expect.stringMatching(`theirs .*: ${commands}$`) };
  expect(context.events).toMatchObject([warning, warning]);
  const remains = await findRemains(world);
  expect(remains.filter(({ kind }) => kind === 'function')).toMatchObject([
    { name: 'theirs', why: expect.stringContaining(commands) },
  ]);
});

test.each([
  ['a function that is gone', 'gone', undefined],
  ['one that may not be looked at', 'denied', { why: expect.stringContaining('delete-function') }],
])('%s', async (_title, name, remains) => {
  await schedule(name);
  if (remains !== undefined)
    await stage.bed.fault({ service: 'lambda', action: 'GetFunction', kind: 'access-denied', skip: 1 });
  const found = (await findRemains(world)).filter(({ kind }) => kind === 'function');
  expect(found).toMatchObject(remains === undefined ? [] : [remains]);
});

test('a function of the project that is called rotation is no such function', async () => {
  const { [rotationFunctionTag]: _tag, ...tags } = ofFunction;
  await make('shop-dev-rotation', { Tags: tags, VpcConfig });
  expect(await outcomes(looks(world))).toEqual([undefined, undefined]);
});
