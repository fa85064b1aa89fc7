import type { Verdict } from '../../provision/settle.ts';

const exists =
  /AlreadyExists|AlreadyRegistered|AlreadyAssociated|ResourceConflict|ResourceExists|\.Duplicate$|^InvalidSubnet\.Conflict/;
const gone = /NotFound|NoSuchEntity/;
const busy =
  /^(Throttl|RequestLimitExceeded|TooManyRequests|RequestThrottled|SlowDown|ConcurrentModification|PriorRequestNotComplete|InvalidDBInstanceState|InvalidDBClusterState|InvalidDBProxyState|DependencyViolation|InvalidVPCNetworkStateFault|ResourceInUse|DeleteConflict|IncorrectState|InvalidDBSubnetGroupState|InvalidDBParameterGroupState|InvalidParameterGroupState)/;
/** New roles, and their policies, take seconds to be seen by the services that use them; a function is changed once at a time. */
const notYetSeen =
  /An update is in progress for resource|role defined for the function cannot be assumed|does not have permissions to call .*NetworkInterface|role .* (is invalid or )?cannot be assumed|RDS is not authorized to assume|unable to assume the role/i;
const serverSide =
  /^(InternalFailure|InternalError|InternalServer|ServiceException|ServiceUnavailable|ServiceFailure|ServerInternal)/;
const connection =
  /^(ECONN|EPIPE|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EAI_AGAIN|ENOTFOUND)|TimeoutError|RequestTimeout|socket hang up|NetworkingError/;

/**
 * What an AWS error means for the resource that was asked for. Codes as AWS documents them per service; an error without a
 * code is a lost connection.
 */
export function judgeAwsError(error: unknown): Verdict {
  const { name, code, status, message } = partsOf(error);
  if (busy.test(name) || notYetSeen.test(message)) return 'again';
  if (exists.test(name)) return 'exists';
  if (gone.test(name)) return 'gone';
  if (connection.test(code) || connection.test(name) || connection.test(message)) return 'lost';
  if (status >= 500 || serverSide.test(name)) return 'lost';
  return 'fatal';
}

interface Parts {
  readonly name: string;
  readonly code: string;
  readonly status: number;
  readonly message: string;
}

/** The SDK puts the service's code into `name`; Node's own codes are in `code`. */
export function partsOf(error: unknown): Parts {
  if (typeof error !== 'object' || error === null)
    return { name: '', code: '', status: 0, message: String(error) };
  const raw = error as {
    name?: unknown;
    code?: unknown;
    Code?: unknown;
    message?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  const named = typeof raw.name === 'string' && raw.name !== 'Error' ? raw.name : '';
  return {
    name: named !== '' ? named : String(raw.Code ?? ''),
    code: typeof raw.code === 'string' ? raw.code : '',
    status: raw.$metadata?.httpStatusCode ?? 0,
    message: typeof raw.message === 'string' ? raw.message : '',
  };
}

export const isGone = (error: unknown): boolean => judgeAwsError(error) === 'gone';

/** The value, or undefined where AWS says that there is no such thing. */
export async function unlessGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
