import {
  DeleteRuleCommand,
  DescribeRuleCommand,
  ListTagsForResourceCommand,
  ListTargetsByRuleCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { unlessGone } from '../judge.ts';
import { functionNameOf, isOurs, notOurs, tagsOf } from '../stage.ts';
import { absent, difference } from '../steps/tagged.ts';
import type { AwsStep, World } from '../steps/world.ts';
import { aliasArn } from './http-routes.ts';

const targetId = 'lambdapg';

export async function ruleArn({ aws, stage }: World, name: string): Promise<string> {
  const { account, partition } = await aws.identity();
  return `arn:${partition}:events:${aws.region}:${account}:rule/${functionNameOf(stage, name)}`;
}

/**
 * An EventBridge rule that calls a function's alias.
 *
 * @param expression as in `lambdapg.json`; undefined for a rule that is only to be removed
 * @param needs what must be ready before it fires: the alias, and the permission to call it
 */
export function scheduleStep(
  world: World,
  name: string,
  expression: string | undefined,
  needs: readonly AwsStep<unknown>[],
): AwsStep<{ ruleName: string }> {
  const { aws, stage } = world;
  const { events } = aws.write;
  const ruleName = functionNameOf(stage, name);
  const put = async (): Promise<void> => {
    await events.send(
      new PutRuleCommand({
        Name: ruleName,
        ScheduleExpression: expression,
        State: 'ENABLED',
        Description: `lambdapg: schedule of ${name}`,
        Tags: tagsOf(stage, `schedule-${name}`),
      }),
    );
    const { FailedEntries = [] } = await events.send(
      new PutTargetsCommand({
        Rule: ruleName,
        Targets: [{ Id: targetId, Arn: await aliasArn(world, name) }],
      }),
    );
    const [failed] = FailedEntries;
    if (failed !== undefined) throw new Error(`${failed.ErrorCode}: ${failed.ErrorMessage}`);
  };
  return {
    id: `schedule-${name}`,
    title: `schedule ${ruleName}${expression === undefined ? '' : ` (${expression})`}`,
    needs,
    async find() {
      const rule = await unlessGone(aws.read.events.send(new DescribeRuleCommand({ Name: ruleName })));
      if (rule?.Arn === undefined) return absent;
      const [{ Tags }, { Targets = [] }] = await Promise.all([
        aws.read.events.send(new ListTagsForResourceCommand({ ResourceARN: rule.Arn })),
        aws.read.events.send(new ListTargetsByRuleCommand({ Rule: ruleName })),
      ]);
      if (!isOurs(stage, Tags)) return { state: 'foreign', why: notOurs(ruleName) };
      const have = { ruleName };
      const target = Targets.find(({ Id }) => Id === targetId)?.Arn;
      const wanted = await aliasArn(world, name);
      const differences = [
        ...(expression === undefined || rule.ScheduleExpression === expression
          ? []
          : [difference('ScheduleExpression', String(rule.ScheduleExpression), expression, true)]),
        ...(rule.State === 'ENABLED' ? [] : [difference('State', String(rule.State), 'ENABLED', true)]),
        ...(target === wanted ? [] : [difference('Target', target ?? 'missing', wanted, true)]),
      ];
      return differences.length === 0 ? { state: 'ready', have } : { state: 'drifted', have, differences };
    },
    create: put,
    update: put,
    async remove() {
      // A rule cannot go while it has targets.
      await unlessGone(events.send(new RemoveTargetsCommand({ Rule: ruleName, Ids: [targetId] })));
      await events.send(new DeleteRuleCommand({ Name: ruleName }));
    },
  };
}
