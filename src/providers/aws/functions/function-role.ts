import { isDeepStrictEqual } from 'node:util';
import { GetRolePolicyCommand } from '@aws-sdk/client-iam';
import type { Haves } from '../../../provision/step.ts';
import { unlessGone } from '../judge.ts';
import { functionNameOf, nameOf } from '../stage.ts';
import { policyName, type RoleHave, roleStep, type Statement } from '../steps/iam-role.ts';
import { functionStatements } from '../steps/runner.ts';
import { difference } from '../steps/tagged.ts';
import type { AwsStep, World } from '../steps/world.ts';
import { type FunctionNeeds, findHaves } from './needs.ts';

/**
 * A role for one function alone: its log group, its network interfaces, and the one secret or the one database login that it
 * uses.
 */
export function functionRole(world: World, name: string, needs: FunctionNeeds): AwsStep<RoleHave> {
  const { front, activeSecret } = needs;
  const used = [activeSecret ?? front];
  const statements = async (haves: Haves): Promise<Statement[]> => [
    ...(await functionStatements(world, name)),
    await codeStatement(world, name),
    await loginStatement(world, needs, haves),
  ];
  const step = roleStep(world, { resource: name, service: 'lambda.amazonaws.com', needs: used, statements });
  return {
    ...step,
    async find(look) {
      const [found, haves] = await Promise.all([step.find(look), findHaves(look, used)]);
      if (found.state !== 'ready' || haves === undefined) return found;
      const have = await readStatements(world, nameOf(world.stage, name));
      if (isDeepStrictEqual(have, await statements(haves))) return found;
      const differences = [difference('PolicyDocument', 'other permissions', 'those it needs', true)];
      return { state: 'drifted', have: found.have, differences };
    },
  };
}

/**
 * The network interfaces are Lambda's to make, not the code's that runs in the function.
 * docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
 */
async function codeStatement({ aws, stage }: World, name: string): Promise<Statement> {
  const { account, partition } = await aws.identity();
  const fn = `arn:${partition}:lambda:${aws.region}:${account}:function:${functionNameOf(stage, name)}`;
  return {
    Effect: 'Deny',
    Action: [
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DetachNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ],
    Resource: '*',
    Condition: { ArnEquals: { 'lambda:SourceFunctionArn': fn } },
  };
}

async function loginStatement(
  { aws, stage }: World,
  { front, activeSecret }: FunctionNeeds,
  haves: Haves,
): Promise<Statement> {
  if (activeSecret !== undefined) {
    // The secret is encrypted with the key that Secrets Manager has in every account, which needs no permission.
    const { arn } = haves.get(activeSecret);
    return { Effect: 'Allow', Action: ['secretsmanager:GetSecretValue'], Resource: arn };
  }
  const { account, partition } = await aws.identity();
  const { resourceId } = haves.get(front);
  // docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
  const user = `arn:${partition}:rds-db:${aws.region}:${account}:dbuser:${resourceId}/${stage.snake}_a`;
  return { Effect: 'Allow', Action: ['rds-db:connect'], Resource: user };
}

async function readStatements({ aws }: World, RoleName: string): Promise<unknown> {
  const policy = await unlessGone(
    aws.read.iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: policyName })),
  );
  // IAM sends documents percent-encoded.
  const document = JSON.parse(decodeURIComponent(policy?.PolicyDocument ?? '{}')) as { Statement?: unknown };
  return document.Statement;
}
