import { runSimulation } from '@cloud-copilot/iam-simulate';
import type { PolicyDocument } from '../../../../src/providers/aws/permissions/policy.ts';
import type { PolicyTarget } from '../../../../src/providers/aws/permissions/scopes.ts';
import { findGrants } from '../../../../src/providers/aws/permissions/table.ts';
import {
  createdInNetwork,
  type Decision,
  namedResources,
  type SeenRequest,
  tagContext,
} from './request-resources.ts';

export type { SeenRequest } from './request-resources.ts';

/**
 * Calls that `policies` would not allow, with what is missing; empty when all are covered.
 *
 * Names in requests and tags on what is created are decided by a third party's IAM evaluator (@cloud-copilot). What has
 * an id that AWS made up is taken to carry the stage's tags, and actions that AWS needs beyond a call are looked for by
 * name alone.
 */
export async function coveredBy(
  policies: readonly PolicyDocument[],
  requests: readonly SeenRequest[],
  where: PolicyTarget,
): Promise<string[]> {
  const allowed = new Set(policies.flatMap(({ Statement }) => Statement.flatMap(({ Action }) => Action)));
  const uncovered = new Set<string>();
  const decided = new Map<string, Promise<string | undefined>>();
  for (const request of requests) {
    const call = `${request.service}:${request.action}`;
    const grants = findGrants(call);
    if (grants === undefined) {
      uncovered.add(`${call}: no row in the table of permissions`);
      continue;
    }
    for (const { action } of grants) {
      if (!allowed.has(action)) uncovered.add(`${call}: ${action} is not in the policy`);
    }
    for (const decision of decisionsOf(request, grants[0].action, where)) {
      const key = JSON.stringify(decision);
      if (!decided.has(key)) decided.set(key, refusal(policies, decision, where));
      const missing = await decided.get(key);
      if (missing !== undefined) uncovered.add(`${call}: ${missing}`);
    }
  }
  return [...uncovered].sort();
}

function decisionsOf(request: SeenRequest, action: string, where: PolicyTarget): Decision[] {
  if (request.service === 'ec2') return createdInNetwork(request, where);
  // IAM knows them without a resource.
  if (/:(Describe|List)/.test(action)) return [];
  const context = tagContext(request.input.Tags ?? request.input.tags);
  return namedResources(request, where).map((resource) => ({
    action,
    resource,
    context: masterSecretContext(resource, where) ?? context,
  }));
}

/** RDS tags the secret of a master login with the database that it belongs to. */
function masterSecretContext(resource: string, where: PolicyTarget): Decision['context'] | undefined {
  const kind = /:secret:rds!(db|cluster)-/.exec(resource)?.[1];
  if (kind === undefined) return undefined;
  const tag = kind === 'db' ? 'primaryDBInstanceArn' : 'primaryDBClusterArn';
  const name = `${where.project}-${where.stage}-db`;
  const database = `arn:${where.partition}:rds:${where.region}:${where.account}:${kind}:${name}`;
  return { [`aws:ResourceTag/aws:rds:${tag}`]: database };
}

async function refusal(
  policies: readonly PolicyDocument[],
  { action, resource, context }: Decision,
  { account, partition }: PolicyTarget,
): Promise<string | undefined> {
  const result = await runSimulation(
    {
      request: {
        principal: `arn:${partition}:iam::${account}:role/caller`,
        action,
        resource: { resource, accountId: account },
        contextVariables: context,
      },
      identityPolicies: policies.map((policy, at) => ({ name: `policy ${at}`, policy })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  if (result.resultType === 'error') return `${action} knows no resource like ${resource}`;
  return result.overallResult === 'Allowed' ? undefined : `${action} on ${resource} is not allowed`;
}
