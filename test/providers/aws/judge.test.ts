import { describe, expect, test } from 'vitest';
import { UserError } from '../../../src/errors.ts';
import { explainAwsError } from '../../../src/providers/aws/explain.ts';
import { judgeAwsError } from '../../../src/providers/aws/judge.ts';

/** As the SDK throws them: the service's code is the name. */
const awsError = (name: string, message = 'said AWS', status = 400): Error =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });

describe('what an error of AWS means for what was asked', () => {
  test.each([
    ['DBInstanceAlreadyExists', 'exists'],
    ['DBInstanceAlreadyExistsFault', 'exists'],
    ['DBSubnetGroupAlreadyExists', 'exists'],
    ['DBProxyAlreadyExistsFault', 'exists'],
    ['DBProxyTargetAlreadyRegisteredFault', 'exists'],
    ['EntityAlreadyExistsException', 'exists'],
    ['ResourceExistsException', 'exists'],
    ['ResourceAlreadyExistsException', 'exists'],
    ['ResourceConflictException', 'exists'],
    ['InvalidGroup.Duplicate', 'exists'],
    ['InvalidPermission.Duplicate', 'exists'],
    ['InvalidSubnet.Conflict', 'exists'],
    ['Resource.AlreadyAssociated', 'exists'],
    ['RouteAlreadyExists', 'exists'],
    ['DBInstanceNotFound', 'gone'],
    ['DBInstanceNotFoundFault', 'gone'],
    ['NoSuchEntityException', 'gone'],
    ['ResourceNotFoundException', 'gone'],
    ['InvalidVpcID.NotFound', 'gone'],
    ['InvalidGroup.NotFound', 'gone'],
    ['ThrottlingException', 'again'],
    ['Throttling', 'again'],
    ['RequestLimitExceeded', 'again'],
    ['TooManyRequestsException', 'again'],
    ['InvalidDBInstanceState', 'again'],
    ['InvalidDBInstanceStateFault', 'again'],
    ['InvalidDBProxyStateFault', 'again'],
    ['DependencyViolation', 'again'],
    ['DeleteConflictException', 'again'],
    ['InsufficientDBInstanceCapacityFault', 'fatal'],
    ['VpcLimitExceeded', 'fatal'],
    ['AccessDenied', 'fatal'],
    ['ExpiredToken', 'fatal'],
    ['InvalidParameterValue', 'fatal'],
  ])('%s: %s', (name, verdict) => {
    expect(judgeAwsError(awsError(name))).toBe(verdict);
  });

  test('a new role is not seen at once', () => {
    const said = 'The role defined for the function cannot be assumed by Lambda.';
    expect(judgeAwsError(awsError('InvalidParameterValueException', said))).toBe('again');
  });

  test.each([
    awsError('InternalFailure', 'oh', 500),
    awsError('', 'oh', 503),
    Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
    Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT' }),
    Object.assign(new Error('slow'), { name: 'TimeoutError' }),
  ])('%s may have happened or not', (error) => {
    expect(judgeAwsError(error)).toBe('lost');
  });
});

describe('what a person is told', () => {
  test.each([
    ['CredentialsProviderError', 'NO_CREDENTIALS', 2],
    ['ExpiredToken', 'SESSION_EXPIRED', 1],
    ['ExpiredTokenException', 'SESSION_EXPIRED', 1],
    ['InvalidClientTokenId', 'BAD_CREDENTIALS', 1],
    ['SignatureDoesNotMatch', 'BAD_CREDENTIALS', 1],
    ['RequestLimitExceeded', 'THROTTLED', 75],
    ['VpcLimitExceeded', 'QUOTA_REACHED', 1],
    ['InstanceQuotaExceededFault', 'QUOTA_REACHED', 1],
    ['InsufficientDBInstanceCapacity', 'NO_CAPACITY', 75],
    ['InvalidParameterValue', 'AWS_REFUSED', 1],
  ])('%s: %s, exit %i', (name, code, exit) => {
    const explained = explainAwsError(awsError(name, 'said AWS'), 'RDS instance shop-dev-db');
    expect(explained).toBeInstanceOf(UserError);
    expect(explained).toMatchObject({
      code,
      exit,
      message: expect.stringMatching(/^RDS instance shop-dev-db: .*said AWS$/),
    });
  });

  test('a missing permission is named with its resource', () => {
    const arn = 'arn:aws:rds:eu-central-1:123456789012:db:shop-dev-db';
    const said = `User: arn:aws:iam::123456789012:user/me is not authorized to perform: rds:CreateDBInstance on resource: ${arn} because no identity-based policy allows the rds:CreateDBInstance action`;
    expect(explainAwsError(awsError('AccessDenied', said, 403), 'RDS instance shop-dev-db')).toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining(`rds:CreateDBInstance is not allowed on ${arn}`),
      suggestions: [expect.stringContaining('--iam-policy'), expect.anything()],
    });
  });

  test('what is none of AWS is left as it is, for it is a bug', () => {
    const bug = new TypeError('x is not a function');
    expect(explainAwsError(bug, 'anything')).toBe(bug);
  });
});
