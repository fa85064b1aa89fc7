import { UserError } from '../../../errors.ts';
import { applyRemoval } from '../../../provision/apply.ts';
import { type Plan, planRemoval } from '../../../provision/plan.ts';
import { type Survey, survey } from '../../../provision/survey.ts';
import { explainAwsError } from '../explain.ts';
import { withRunLock } from '../run-lock.ts';
import { attachLock } from './attach-functions.ts';
import { ownSecretName, roleNameOf } from './attach-names.ts';
import { probeStep } from './attach-proof.ts';
import { detachSteps, leftoverSteps } from './attach-steps.ts';
import {
  type AttachLook,
  type AttachStep,
  type AttachWorld,
  attachEngine,
  takeAttachLook,
} from './attach-world.ts';
import { type AttachableFunction, type FunctionChoice, findFunctions } from './find-functions.ts';
import { findOwnGroup } from './own-group-step.ts';
import { describeProxy } from './proxy-auth-step.ts';

/** What `detach --plan` shows. */
export interface DetachPlan {
  readonly region: string;
  readonly account: string;
  readonly functions: readonly { readonly name: string; readonly from: string }[];
  readonly plan: Plan;
}

export interface PlannedDetach {
  readonly shown: DetachPlan;
  readonly steps: readonly AttachStep<unknown>[];
  readonly found: Survey;
}

/** @throws UserError NOT_ATTACHED */
export async function planDetach(world: AttachWorld, choice: FunctionChoice): Promise<PlannedDetach> {
  const look = takeAttachLook(world.aws);
  try {
    const gone = await findGone(look, choice);
    const { names } = choice;
    const [{ account }, functions] = await Promise.all([
      world.aws.identity(),
      gone.length > 0 && gone.length === names?.length
        ? []
        : findFunctions(world, look, {
            ...choice,
            ...(names !== undefined && { names: names.filter((name) => !gone.includes(name)) }),
          }),
    ]);
    const steps: AttachStep<unknown>[] = gone.flatMap((name) => leftoverSteps(world, name));
    for (const fn of functions) steps.push(...(await stepsFor(world, fn, steps)));
    const found = await survey(steps, look);
    const plan = planRemoval(steps, found);
    if (plan.changes === 0) throw notAttached(functions);
    return {
      shown: {
        ...{ region: world.aws.region, account, plan },
        functions: [
          ...functions.map(({ name, record }) => ({ name, from: record?.target ?? 'nothing' })),
          ...gone.map((name) => ({ name, from: 'a function that is gone' })),
        ],
      },
      steps,
      found,
    };
  } catch (error) {
    throw explainAwsError(error, 'looking at functions');
  }
}

/** Takes away what attach made, and nothing else. @throws as `applyRemoval` */
export async function detachFunctions(
  world: AttachWorld,
  { steps }: PlannedDetach,
): Promise<{ readonly removed: readonly string[] }> {
  const { context, aws } = world;
  try {
    return await withRunLock(context, { aws, stage: attachLock }, 'lambdapg detach', async () => {
      const now = await survey(steps, takeAttachLook(aws));
      const { removed } = await applyRemoval(
        context,
        attachEngine(world),
        steps,
        now,
        planRemoval(steps, now),
      );
      return { removed };
    });
  } catch (error) {
    throw explainAwsError(error, 'lambdapg detach');
  }
}

/** Functions that were deleted without `detach`, and have left a security group or a secret. */
async function findGone(look: AttachLook, { names = [] }: FunctionChoice): Promise<string[]> {
  const left = await Promise.all(
    names.map(async (name) => {
      if (name.startsWith('arn:') || (await look.getFunction(name)) !== undefined) return [];
      const [group, secret] = await Promise.all([findOwnGroup(look, name), look.secret(ownSecretName(name))]);
      return group === undefined && secret === undefined ? [] : [name];
    }),
  );
  return left.flat();
}

async function stepsFor(
  world: AttachWorld,
  fn: AttachableFunction,
  earlier: readonly AttachStep<unknown>[],
): Promise<AttachStep<unknown>[]> {
  const { name, roleArn, subnetIds, groupIds } = fn;
  const [, proxyName] = /^proxy:(.+)$/.exec(fn.record?.target ?? '') ?? [];
  const proxy = proxyName === undefined ? undefined : await describeProxy(world.aws, proxyName);
  const role = proxy?.RoleArn === undefined ? undefined : roleNameOf(proxy.RoleArn);
  return [
    ...detachSteps(
      world,
      fn,
      proxyName === undefined || role === undefined ? undefined : { name: proxyName, roleName: role },
      earlier,
    ),
    // Left by a run that was killed while it proved.
    probeStep(world, { name, roleArn, subnetIds, groupIds }),
  ];
}

const notAttached = (functions: readonly AttachableFunction[]): UserError =>
  new UserError(
    'NOT_ATTACHED',
    `${functions.map(({ name }) => name).join(', ')}: nothing of attach is there`,
    {
      suggestions: ['another --function or --region'],
    },
  );
