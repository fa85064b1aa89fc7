import { describe, expect, test } from 'vitest';
import { explainDenied } from '../../../../src/providers/aws/permissions/explain-denied.ts';

const user = 'arn:aws:sts::123456789012:assumed-role/ci/session';

/** As the SDK throws it. */
const refused = (name: string, message: string): Error => Object.assign(new Error(message), { name });

describe('what AWS refuses is named', () => {
  // Texts as AWS documents them (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)
  // and as public issue threads quote them.
  test.each([
    [
      'the usual form',
      'AccessDenied',
      `User: ${user} is not authorized to perform: rds:CreateDBInstance on resource: arn:aws:rds:eu-central-1:123456789012:db:books-dev-db because no identity-based policy allows the rds:CreateDBInstance action`,
      {
        action: 'rds:CreateDBInstance',
        resource: 'arn:aws:rds:eu-central-1:123456789012:db:books-dev-db',
        principal: user,
        reason: 'no identity-based policy allows the rds:CreateDBInstance action',
      },
    ],
    [
      'an explicit deny above the account',
      'AccessDeniedException',
      `User: ${user} is not authorized to perform: lambda:CreateFunction on resource: arn:aws:lambda:eu-central-1:123456789012:function:f with an explicit deny in a service control policy`,
      {
        action: 'lambda:CreateFunction',
        resource: 'arn:aws:lambda:eu-central-1:123456789012:function:f',
        reason: 'with an explicit deny in a service control policy',
      },
    ],
    [
      'EC2, with the encoded message',
      'UnauthorizedOperation',
      `You are not authorized to perform this operation. User: ${user} is not authorized to perform: ec2:CreateInternetGateway on resource: arn:aws-us-gov:ec2:us-gov-west-1:123456789012:internet-gateway/* because no permissions boundary allows the ec2:CreateInternetGateway action. Encoded authorization failure message: mR08NOyR_jVf-9BZ`,
      {
        action: 'ec2:CreateInternetGateway',
        resource: 'arn:aws-us-gov:ec2:us-gov-west-1:123456789012:internet-gateway/*',
        reason: 'no permissions boundary allows the ec2:CreateInternetGateway action',
      },
    ],
    [
      'without a resource',
      'AccessDeniedException',
      `User: ${user} is not authorized to perform: secretsmanager:ListSecrets because no identity-based policy allows the secretsmanager:ListSecrets action`,
      { action: 'secretsmanager:ListSecrets', resource: undefined },
    ],
    [
      'the old form, that ends with the resource',
      'AccessDenied',
      `User: ${user} is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/books-dev-proxy.`,
      {
        action: 'iam:PassRole',
        resource: 'arn:aws:iam::123456789012:role/books-dev-proxy',
        reason: undefined,
      },
    ],
    [
      'Lambda, looking at the network for the caller',
      'InvalidParameterValueException',
      'Your access has been denied by EC2, please make sure your request credentials have permission to DescribeSecurityGroups for sg-0123. EC2 Error Code: UnauthorizedOperation. EC2 Error Message: You are not authorized to perform this operation.',
      { action: 'ec2:DescribeSecurityGroups', resource: 'sg-0123', principal: undefined },
    ],
    [
      'Lambda, on behalf of the function',
      'InvalidParameterValueException',
      'The provided execution role does not have permissions to call CreateNetworkInterface on EC2',
      { action: 'ec2:CreateNetworkInterface', principal: 'execution role' },
    ],
    [
      'Secrets Manager, on the key',
      'AccessDeniedException',
      'Access to KMS is not allowed',
      { action: 'kms:Decrypt' },
    ],
  ])('%s', (_, name, message, expected) => {
    expect(explainDenied(refused(name, message))).toMatchObject(expected);
  });
});

describe('where AWS does not say, the row of the call does', () => {
  const encoded = refused(
    'UnauthorizedOperation',
    'You are not authorized to perform this operation. Encoded authorization failure message: 6h34Gt',
  );

  test('EC2, of old', () => {
    expect(explainDenied(encoded, 'ec2:CreateVpc')).toMatchObject({ action: 'ec2:CreateVpc' });
    expect(explainDenied(encoded)).toMatchObject({ action: undefined });
  });

  test('an action that is not called like its call', () => {
    const short = refused('AccessDeniedException', 'Access Denied');
    expect(explainDenied(short, 'apigatewayv2:CreateApi')?.action).toBe('apigateway:POST');
    expect(explainDenied(short, 'lambda:Invoke')?.action).toBe('lambda:InvokeFunction');
  });
});

test.each([
  refused('ThrottlingException', 'Rate exceeded'),
  refused('DBInstanceAlreadyExists', 'DB instance already exists'),
  refused('InvalidParameterValueException', 'The role defined for the function cannot be assumed by Lambda.'),
  new Error('connect ECONNREFUSED 127.0.0.1:443'),
  'a string',
  undefined,
])('%s is no refusal', (error) => {
  expect(explainDenied(error, 'ec2:CreateVpc')).toBeUndefined();
});
