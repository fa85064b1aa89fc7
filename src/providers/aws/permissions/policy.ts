import { type CommandName, callsOf, foreignCommands } from './calls.ts';
import type { Grant } from './grant.ts';
import { type Condition, makeScope, type PolicyTarget } from './scopes.ts';
import { getGrants } from './table.ts';

export interface PolicyStatement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Condition;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

/**
 * Of a managed policy, white space not counted; ten can be attached to a role.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
export const policySizeLimit = 6_144;

/**
 * What a person or a CI job needs to run `commands` on one stage: one document where it fits IAM's limit, else
 * several, all of which have to be attached.
 */
export function policyFor(commands: readonly CommandName[], target: PolicyTarget): PolicyDocument[] {
  const grants = commands.flatMap((command) => {
    const foreign = foreignCommands.has(command);
    return callsOf[command].flatMap((call) => getGrants(call).map((grant) => ({ grant, foreign })));
  });
  return pack(mergeByActions(groupByScope(grants, target)));
}

/** Actions that are allowed on the same things under the same condition stand in one statement. */
function groupByScope(
  grants: readonly { readonly grant: Grant; readonly foreign: boolean }[],
  target: PolicyTarget,
): PolicyStatement[] {
  const statements = new Map<string, { scope: ReturnType<typeof makeScope>; actions: Set<string> }>();
  for (const { grant, foreign } of grants) {
    for (const name of grant.scopes) {
      const scope = makeScope(name, target, foreign);
      if (scope.resources.length === 0) continue;
      const key = JSON.stringify(scope);
      const { actions } = statements.get(key) ?? { actions: new Set<string>() };
      statements.set(key, { scope, actions: actions.add(grant.action) });
    }
  }
  return [...statements.values()].map(({ scope, actions }) => ({
    Effect: 'Allow',
    Action: [...actions].sort(),
    Resource: scope.resources,
    ...(scope.condition === undefined ? {} : { Condition: scope.condition }),
  }));
}

/** Statements that differ in nothing but their resources become one: long lists of actions are written once. */
function mergeByActions(statements: readonly PolicyStatement[]): PolicyStatement[] {
  const merged = new Map<string, PolicyStatement>();
  for (const statement of statements) {
    const key = JSON.stringify([statement.Action, statement.Condition]);
    const Resource = [...(merged.get(key)?.Resource ?? []), ...statement.Resource].sort();
    merged.set(key, { ...statement, Resource });
  }
  return [...merged.values()];
}

/** First fit, the largest first. No statement of the table comes near the limit by itself. */
function pack(statements: readonly PolicyStatement[]): PolicyDocument[] {
  const largestFirst = [...statements].sort((a, b) => sizeOf(b) - sizeOf(a));
  const documents: PolicyDocument[] = [];
  for (const statement of largestFirst) {
    const extend = (document: PolicyDocument): PolicyDocument => ({
      ...document,
      Statement: [...document.Statement, statement],
    });
    const at = documents.findIndex((document) => sizeOf(extend(document)) <= policySizeLimit);
    const found = documents[at];
    if (found === undefined) documents.push({ Version: '2012-10-17', Statement: [statement] });
    else documents[at] = extend(found);
  }
  return documents;
}

const sizeOf = (value: PolicyDocument | PolicyStatement): number => JSON.stringify(value).length;

/** Why an action stands in a policy. */
export interface ActionReason {
  readonly action: string;
  /** The call, or what AWS does on the caller's behalf. */
  readonly because: string;
  readonly source?: string;
}

/** One line for each action and reason of `commands`' policies, for a person who has to approve them. */
export function reasonsFor(commands: readonly CommandName[]): ActionReason[] {
  const calls = [...new Set(commands.flatMap((command) => callsOf[command]))].sort();
  const reasons = new Map<string, ActionReason>();
  for (const call of calls) {
    for (const { action, why } of getGrants(call)) {
      const reason: ActionReason =
        why === undefined
          ? { action, because: `lambdapg calls ${call}` }
          : { action, because: `${call}: ${why.reason}`, source: why.source };
      reasons.set(`${action} ${reason.because}`, reason);
    }
  }
  return [...reasons.values()].sort((a, b) => a.action.localeCompare(b.action));
}
