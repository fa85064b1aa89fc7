import { isDeepStrictEqual } from 'node:util';
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import type { Haves } from '../../../provision/step.ts';
import { unlessGone } from '../judge.ts';
import type { Look } from '../look.ts';
import { isOurs, nameOf, notOurs, tagsOf } from '../stage.ts';
import { absent, difference } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

export interface RoleHave {
  readonly arn: string;
}

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/**
 * What Lambda needs to put a function into a VPC. None of these takes a resource that is known beforehand.
 * docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
export const networkInterfaces: Statement = {
  Effect: 'Allow',
  Action: [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
  Resource: '*',
};

const policyName = 'lambdapg';

/** A role that one AWS service takes on, with one inline policy. `statements` may use ARNs of what `needs` names. */
export function roleStep(
  { aws, stage }: World,
  role: {
    readonly resource: string;
    /** `lambda.amazonaws.com` */
    readonly service: string;
    readonly needs: readonly AwsStep<unknown>[];
    readonly statements: (haves: Haves) => Promise<readonly Statement[]> | readonly Statement[];
    /** The same from what can be seen now, to find a policy that is another; absent: any policy will do. */
    readonly findStatements?: (look: Look) => Promise<readonly Statement[] | undefined>;
  },
): AwsStep<RoleHave> {
  const { iam } = aws.write;
  const name = nameOf(stage, role.resource);
  const putPolicy = async (haves: Haves): Promise<void> => {
    await iam.send(
      new PutRolePolicyCommand({
        RoleName: name,
        PolicyName: policyName,
        PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: await role.statements(haves) }),
      }),
    );
  };
  return {
    id: `role-${role.resource}`,
    title: `role ${name}`,
    needs: role.needs,
    async find(look) {
      const [found, policy, wanted] = await Promise.all([
        unlessGone(aws.read.iam.send(new GetRoleCommand({ RoleName: name }))),
        unlessGone(aws.read.iam.send(new GetRolePolicyCommand({ RoleName: name, PolicyName: policyName }))),
        role.findStatements?.(look),
      ]);
      if (found?.Role?.Arn === undefined) return absent;
      if (!isOurs(stage, found.Role.Tags)) return { state: 'foreign', why: notOurs(name) };
      const have = { arn: found.Role.Arn };
      const differences =
        policy === undefined
          ? [difference('PolicyDocument', 'missing', 'present', true)]
          : wanted === undefined || isDeepStrictEqual(statementsOf(policy.PolicyDocument), wanted)
            ? []
            : [difference('PolicyDocument', 'other permissions', 'those it needs', true)];
      return differences.length === 0 ? { state: 'ready', have } : { state: 'drifted', have, differences };
    },
    async create(haves) {
      await iam.send(
        new CreateRoleCommand({
          RoleName: name,
          Description: `lambdapg: ${role.resource} of ${stage.prefix}`,
          AssumeRolePolicyDocument: JSON.stringify({
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Principal: { Service: role.service }, Action: 'sts:AssumeRole' }],
          }),
          Tags: tagsOf(stage, role.resource),
        }),
      );
      await putPolicy(haves);
    },
    update: (_have, haves) => putPolicy(haves),
    async remove() {
      await unlessGone(iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName: policyName })));
      await iam.send(new DeleteRoleCommand({ RoleName: name }));
    },
  };
}

/** IAM sends documents percent-encoded. */
const statementsOf = (document = ''): unknown =>
  (JSON.parse(decodeURIComponent(document)) as { Statement?: unknown }).Statement;
