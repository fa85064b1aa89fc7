import type { CommandName } from './permissions/calls.ts';
import { type PolicyDocument, policyFor } from './permissions/policy.ts';
import type { World } from './steps/world.ts';

/** The policies that commands need on this stage; without credentials for any account. */
export async function policyOf({ aws, stage }: World, ...commands: CommandName[]): Promise<PolicyDocument[]> {
  const anybody = { account: '*', partition: 'aws' };
  const { account, partition } = await aws.identity().catch(() => anybody);
  return policyFor(commands, { ...stage, account, partition, region: aws.region });
}

/** As AWS takes it: one document, or a list where they are too long for one policy and all have to be attached. */
export const formatPolicies = (policies: readonly PolicyDocument[]): string =>
  JSON.stringify(policies.length === 1 ? policies[0] : policies, null, 2);
