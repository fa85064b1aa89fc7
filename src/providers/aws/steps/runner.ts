import { createHash } from 'node:crypto';
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { readTree } from '../../../project/package/read-tree.ts';
import { zipFiles } from '../../../project/package/zip-files.ts';
import { runnerCodeDir, runnerFunction } from '../routes/runner-function.ts';
import { isOurs, nameOf, notOurs, tagMapOf } from '../stage.ts';
import { networkInterfaces, type RoleHave, roleStep, type Statement } from './iam-role.ts';
import { logGroupStep } from './log-group.ts';
import type { SubnetHave } from './network-haves.ts';
import type { GroupHave } from './security-groups.ts';
import { absent, difference } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

export interface RunnerHave {
  readonly functionName: string;
}

/**
 * The function that works on a private database for lambdapg: it holds no secret and may do nothing in AWS but log and have
 * network interfaces.
 */
export function runnerSteps(
  world: World,
  needs: {
    readonly subnets: readonly AwsStep<SubnetHave>[];
    readonly group: AwsStep<GroupHave>;
    readonly rules: AwsStep<unknown>;
  },
): { runner: AwsStep<RunnerHave>; all: readonly AwsStep<unknown>[] } {
  const role = roleStep(world, {
    resource: 'runner',
    service: 'lambda.amazonaws.com',
    needs: [],
    statements: () => functionStatements(world, 'runner'),
  });
  const logs = logGroupStep(world, 'runner');
  const runner = runnerStep(world, role, logs, needs);
  return { runner, all: [role, logs, runner] };
}

/** What every function in a VPC needs: its own log group, and network interfaces, which Lambda makes for it. */
export async function functionStatements({ aws, stage }: World, resource: string): Promise<Statement[]> {
  const { account, partition } = await aws.identity();
  const logs = `arn:${partition}:logs:${aws.region}:${account}:log-group:/aws/lambda/${nameOf(stage, resource)}`;
  return [
    { Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: `${logs}:*` },
    networkInterfaces,
  ];
}

function runnerStep(
  { aws, stage, context }: World,
  role: AwsStep<RoleHave>,
  logs: AwsStep<unknown>,
  needs: { subnets: readonly AwsStep<SubnetHave>[]; group: AwsStep<GroupHave>; rules: AwsStep<unknown> },
): AwsStep<RunnerHave> {
  const name = nameOf(stage, 'runner');
  let made: Promise<{ zip: Buffer; sha256: string }> | undefined;
  const getCode = () => {
    made ??= readTree(runnerCodeDir(context), () => true)
      .then(zipFiles)
      .then((zip) => ({ zip, sha256: createHash('sha256').update(zip).digest('base64') }));
    return made;
  };
  return {
    id: 'runner',
    title: `runner ${name}`,
    needs: [role, logs, ...needs.subnets, needs.group, needs.rules],
    async find(look) {
      const found = await look.lambdaFunction(name);
      const configuration = found?.Configuration;
      if (configuration === undefined) return absent;
      if (!isOurs(stage, found?.Tags)) return { state: 'foreign', why: notOurs(name) };
      const have = { functionName: name };
      const { State, StateReason = '', LastUpdateStatus, CodeSha256 = '' } = configuration;
      if (State === 'Failed')
        return { state: 'drifted', have, differences: [difference('State', StateReason, 'Active', false)] };
      if (State === 'Pending' || LastUpdateStatus === 'InProgress')
        return { state: 'pending', have, why: 'Pending' };
      const { sha256 } = await getCode();
      if (CodeSha256 === sha256) return { state: 'ready', have };
      return { state: 'drifted', have, differences: [difference('CodeSha256', CodeSha256, sha256, true)] };
    },
    async create(haves) {
      const { handler, runtime, architecture, memoryMb, timeoutSeconds, ephemeralStorageMb } = runnerFunction;
      await aws.write.lambda.send(
        new CreateFunctionCommand({
          FunctionName: name,
          Description: `lambdapg: works on the database of ${stage.prefix}`,
          Handler: handler,
          Runtime: runtime,
          Architectures: [architecture],
          MemorySize: memoryMb,
          Timeout: timeoutSeconds,
          EphemeralStorage: { Size: ephemeralStorageMb },
          Role: haves.get(role).arn,
          Code: { ZipFile: (await getCode()).zip },
          VpcConfig: {
            SubnetIds: needs.subnets.map((subnet) => haves.get(subnet).subnetId),
            SecurityGroupIds: [haves.get(needs.group).groupId],
          },
          Tags: tagMapOf(stage, 'runner'),
        }),
      );
    },
    async update() {
      await aws.write.lambda.send(
        new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: (await getCode()).zip }),
      );
    },
    async remove() {
      await aws.write.lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
    },
  };
}
