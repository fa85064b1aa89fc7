import {
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { isOurs, nameOf, notOurs, tagMapOf } from '../stage.ts';
import { absent, difference } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

/**
 * The log group of a function, made before it, so that Lambda does not make one without an end. It belongs to whom the function
 * of its name belongs to, not to its tags: Lambda makes a group again, without any, when a deleted function's last lines arrive.
 */
export function logGroupStep({ aws, stage }: World, resource: string): AwsStep<{ logGroup: string }> {
  const functionName = nameOf(stage, resource);
  const logGroupName = `/aws/lambda/${functionName}`;
  const days = stage.cloud.logRetentionDays;
  const have = { logGroup: logGroupName };
  const putRetention = async (): Promise<void> => {
    await aws.write.logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: days }));
  };
  return {
    id: `log-group-${resource}`,
    title: `log group ${logGroupName}`,
    needs: [],
    async find(look) {
      const [groups, user] = await Promise.all([look.logGroups(), look.lambdaFunction(functionName)]);
      const group = groups.find((one) => one.logGroupName === logGroupName);
      if (group === undefined) return absent;
      if (user !== undefined && !isOurs(stage, user.Tags))
        return { state: 'foreign', why: `its function ${notOurs(functionName)}` };
      if (group.retentionInDays === days) return { state: 'ready', have };
      const kept = String(group.retentionInDays ?? 'for ever');
      return {
        state: 'drifted',
        have,
        differences: [difference('retentionInDays', kept, String(days), true)],
      };
    },
    async create() {
      await aws.write.logs.send(new CreateLogGroupCommand({ logGroupName, tags: tagMapOf(stage, resource) }));
      await putRetention();
    },
    update: putRetention,
    async remove() {
      await aws.write.logs.send(new DeleteLogGroupCommand({ logGroupName }));
    },
  };
}
