import { errorMessage, exitCodes, UserError, type UserErrorOptions } from '../../errors.ts';
import { judgeAwsError, partsOf } from './judge.ts';
import { explainDenied } from './permissions/explain-denied.ts';

interface Explained extends UserErrorOptions {
  readonly code: string;
  readonly what: string;
}

const signIn = 'aws sso login, aws configure, or --profile';

/** By the code that AWS or the SDK gives. */
const known: readonly (readonly [RegExp, Explained])[] = [
  [
    /^CredentialsProviderError$/,
    {
      code: 'NO_CREDENTIALS',
      what: 'there are no AWS credentials',
      exit: exitCodes.usage,
      suggestions: [signIn, 'or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment'],
    },
  ],
  [
    /^(ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired|InvalidIdentityToken)$/,
    {
      code: 'SESSION_EXPIRED',
      what: 'the AWS session has expired',
      suggestions: [signIn, 'then run the same command again: it goes on where this one stopped'],
    },
  ],
  [
    /^(InvalidClientTokenId|UnrecognizedClientException|AuthFailure|SignatureDoesNotMatch|InvalidSignatureException|InvalidAccessKeyId|IncompleteSignature)$/,
    {
      code: 'BAD_CREDENTIALS',
      what: 'AWS does not accept these credentials',
      suggestions: [signIn, 'a wrong clock on this computer spoils signatures too'],
    },
  ],
  [
    /^(OptInRequired|SubscriptionRequiredException)$/,
    {
      code: 'SERVICE_NOT_ENABLED',
      what: 'this account cannot use the service in this region',
      suggestions: [],
    },
  ],
  [
    /^(Throttl|RequestLimitExceeded|TooManyRequests|SlowDown)/,
    {
      code: 'THROTTLED',
      what: 'AWS throttles this account',
      exit: exitCodes.temporary,
      suggestions: ['try again in a minute'],
    },
  ],
  [
    /Quota|LimitExceeded|CodeStorageExceeded|AddressLimit|^TooManyBuckets/,
    {
      code: 'QUOTA_REACHED',
      what: 'a quota of the account is reached',
      suggestions: [
        'raise it: https://console.aws.amazon.com/servicequotas',
        'or remove what is not needed; nothing that was made is lost, the next run goes on',
      ],
    },
  ],
  [
    /^InsufficientDBInstanceCapacity/,
    {
      code: 'NO_CAPACITY',
      what: 'AWS has no such instance to give in these zones now',
      exit: exitCodes.temporary,
      suggestions: ['another instance class in lambdapg.json, or try again later'],
    },
  ],
];

/**
 * An AWS error in words for people, with AWS's own text kept. What is none of AWS's errors is returned as it is.
 *
 * @param doing what was being done: `RDS instance my-api-dev-db`
 */
export function explainAwsError(error: unknown, doing: string): unknown {
  if (error instanceof UserError) return error;
  const { name, status, message } = partsOf(error);
  const isAws = status > 0 || name === 'CredentialsProviderError' || judgeAwsError(error) === 'lost';
  if (!isAws) return error;
  const refused = denied(error, message, doing);
  if (refused !== undefined) return new UserError(refused.code, refused.what, { ...refused, cause: error });
  const found = known.find(([pattern]) => pattern.test(name))?.[1];
  if (found !== undefined) {
    return new UserError(found.code, `${doing}: ${found.what}: ${message}`, { ...found, cause: error });
  }
  if (judgeAwsError(error) === 'lost') {
    return new UserError('AWS_UNREACHABLE', `${doing}: AWS does not answer: ${errorMessage(error)}`, {
      exit: exitCodes.temporary,
      suggestions: ['check the network, the region and AWS_ENDPOINT_URL; then run the same command again'],
      cause: error,
    });
  }
  return new UserError('AWS_REFUSED', `${doing}: AWS refuses: ${name}: ${message}`, { cause: error });
}

function denied(error: unknown, message: string, doing: string): Explained | undefined {
  const found = explainDenied(error);
  if (found === undefined) return undefined;
  const { action, resource } = found;
  const on = resource === undefined ? '' : ` on ${resource}`;
  const missing = action === undefined ? 'a permission is missing' : `${action} is not allowed${on}`;
  return {
    code: 'ACCESS_DENIED',
    what: `${doing}: ${missing}: ${message}`,
    suggestions: [
      'the command with --iam-policy prints all that it needs',
      'run it again once the permission is there: it goes on',
    ],
  };
}
