import { partsOf } from '../judge.ts';
import { findGrants } from './table.ts';

/** What a refusal of AWS lacks. */
export interface Denied {
  /** `rds:CreateDBInstance`; undefined when AWS does not say and the call is not known. */
  readonly action: string | undefined;
  /** ARN, where AWS names it. */
  readonly resource: string | undefined;
  /** Whose right is missing: ARN of the caller, or `execution role` of a function. */
  readonly principal: string | undefined;
  /** AWS's reason: "no identity-based policy allows the … action", "with an explicit deny in …". */
  readonly reason: string | undefined;
}

const deniedCodes =
  /^(Client\.)?(AccessDenied(Exception)?|UnauthorizedOperation|UnauthorizedException|NotAuthorized(Exception)?|AuthorizationError(Exception)?|KMSAccessDenied(Exception|Fault)?|AccessDeniedFault)$/;

/**
 * The usual form, of IAM itself:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
const usual =
  /(?:User: (?<principal>\S+) )?is not authorized to perform: (?<action>[\w-]+:\w+)(?: on resource: (?<resource>\S+))?(?<rest>[^\n]*)/;
/** Lambda, on what it looked at for the caller or for the role of the function. */
const byEc2 =
  /(?:your (?<whose>request credentials|function execution role) have|The provided (?<role>execution role) does not have) permissions? to (?:call )?(?<name>\w+)(?: for (?<id>[\w{}-]+))?/i;

/**
 * The action and resource that an error of AWS says are not allowed, in all the forms of its services; undefined for
 * any other error.
 *
 * @param call `<service>:<Operation>` that was refused: its row of the table answers where AWS does not say
 */
export function explainDenied(error: unknown, call?: string): Denied | undefined {
  const { name: code, message } = partsOf(error);
  const own = call === undefined ? undefined : findGrants(call)?.[0].action;
  const said = usual.exec(message)?.groups;
  if (said !== undefined) {
    return {
      action: said.action,
      resource: trimEnd(said.resource),
      principal: said.principal,
      reason: reasonIn(said.rest ?? ''),
    };
  }
  const onNetwork = byEc2.exec(message)?.groups;
  if (onNetwork !== undefined) {
    const isRole = (onNetwork.whose ?? onNetwork.role ?? '').toLowerCase().includes('execution role');
    return {
      action: `ec2:${onNetwork.name}`,
      resource: onNetwork.id,
      principal: isRole ? 'execution role' : undefined,
      reason: undefined,
    };
  }
  if (/access to KMS is not allowed/i.test(message)) {
    return { action: 'kms:Decrypt', resource: undefined, principal: undefined, reason: undefined };
  }
  if (!deniedCodes.test(code) && !/^you are not authorized to perform this operation/i.test(message)) {
    return undefined;
  }
  return { action: own, resource: undefined, principal: undefined, reason: undefined };
}

function reasonIn(rest: string): string | undefined {
  const reason = rest
    .replace(/\.? ?Encoded authorization failure message:.*$/, '')
    .replace(/^[\s.]*(because )?/, '')
    .replace(/[\s.]+$/, '');
  return reason === '' ? undefined : reason;
}

/** A sentence may end right after an ARN. */
const trimEnd = (resource: string | undefined): string | undefined => resource?.replace(/[.,]$/, '');
