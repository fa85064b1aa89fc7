import type { CommandName } from './permissions/calls.ts';
import { type PolicyDocument, policyFor } from './permissions/policy.ts';
import type { ConsumerNames } from './permissions/scopes.ts';
import type { Stage } from './stage.ts';
import type { World } from './steps/world.ts';

/** The policies that commands need on this stage; without credentials for any account. */
export async function policyOf({ aws, stage }: World, ...commands: CommandName[]): Promise<PolicyDocument[]> {
  const anybody = { account: '*', partition: 'aws' };
  const { account, partition } = await aws.identity().catch(() => anybody);
  const target = { ...stage, account, partition, region: aws.region };
  const rotates = commands.includes('rotate');
  return policyFor(commands, { ...target, ...(rotates && { consumers: consumersOf(stage) }) });
}

/** Those of lambdapg.json, which are not this project's own. */
function consumersOf({ stage, cloud }: Stage): ConsumerNames {
  const names = { functions: [] as string[], parameters: [] as string[], secrets: [] as string[] };
  const put = (list: string[], name: string) => list.push(name.replaceAll('{stage}', stage));
  for (const consumer of cloud.rotation.consumers) {
    if ('function' in consumer) put(names.functions, consumer.function);
    else if ('parameter' in consumer) put(names.parameters, consumer.parameter);
    else put(names.secrets, consumer.secret);
  }
  return names;
}

/** As AWS takes it: one document, or a list where they are too long for one policy and all have to be attached. */
export const formatPolicies = (policies: readonly PolicyDocument[]): string =>
  JSON.stringify(policies.length === 1 ? policies[0] : policies, null, 2);
