import { createHash } from 'node:crypto';

/*
 * Everything that attach makes is found again by these names and tags; no file remembers it.
 */

/** On the function: what it is attached to. */
export const attachedToTag = 'lambdapg:attached-to';
/** On the function: what it was before, without values. */
export const attachBeforeTag = 'lambdapg:attach-before';
/** On what was made for a function: its name. */
export const attachFunctionTag = 'lambdapg:attach-function';

export const ownGroupName = (functionName: string): string => `lambdapg-attach-${functionName}`;
export const ownSecretName = (functionName: string): string => `lambdapg-attach/${functionName}`;
/** Several functions may share a role, so each has a policy of its own in it. */
export const ownPolicyName = (functionName: string): string => `lambdapg-attach-${functionName}`;
/** The description of every rule, and of what a proxy is given for one function or several. */
export const descriptionOf = (...functionNames: readonly string[]): string =>
  `lambdapg:attach:${functionNames.join()}`;

/** The functions that a description names, for which something is there. */
export const functionsOf = (description: string | undefined): string[] =>
  /^lambdapg:attach:(.+)$/.exec(description ?? '')?.[1]?.split(',') ?? [];

/** Lambda allows 64 characters. */
export function probeName(functionName: string): string {
  const whole = `lambdapg-probe-${functionName}`;
  if (whole.length <= 64) return whole;
  const hash = createHash('sha256').update(functionName).digest('hex').slice(0, 8);
  return `${whole.slice(0, 55)}-${hash}`;
}

export const roleNameOf = (roleArn: string): string => roleArn.slice(roleArn.lastIndexOf('/') + 1);
