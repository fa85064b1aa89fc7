import type { Haves } from '../../../provision/step.ts';
import { functionNameOf } from '../stage.ts';
import { type RoleHave, roleStep, type Statement } from '../steps/iam-role.ts';
import { functionStatements } from '../steps/runner.ts';
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
  return roleStep(world, {
    ...{ resource: name, service: 'lambda.amazonaws.com', needs: used, statements },
    async findStatements(look) {
      const haves = await findHaves(look, used);
      return haves === undefined ? undefined : statements(haves);
    },
  });
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
