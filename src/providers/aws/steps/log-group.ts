import {
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { nameOf, tagMapOf } from '../stage.ts';
import { absent, difference } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

/**
 * The log group of a function, made before it, so that Lambda does not make one without an end. Log groups have no owner in
 * their description; the name, which holds project and stage, decides.
 */
export function logGroupStep({ aws, stage }: World, resource: string): AwsStep<{ logGroup: string }> {
  const logGroupName = `/aws/lambda/${nameOf(stage, resource)}`;
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
      const group = (await look.logGroups()).find((one) => one.logGroupName === logGroupName);
      if (group === undefined) return absent;
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
