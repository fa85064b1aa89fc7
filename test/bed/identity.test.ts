import { describe } from 'vitest';
import { at, differs, walk } from './differs.ts';

describe('identity, prices, quotas', () => {
  differs(
    'sts-caller-is-a-user',
    'of IAM',
    async (aws, bed) => {
      return String((await aws('sts', 'GetCallerIdentity')).Arn).replace(bed.account, '');
    },
    'arn:aws:iam:::user/lambdapg-test',
  );

  differs(
    'iam-simulation',
    'by the policies of a role',
    async (aws) => {
      const role = await aws('iam', 'CreateRole', {
        RoleName: 'r',
        AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
      });
      const PolicyDocument = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: 'rds:*', Resource: '*' },
          { Effect: 'Deny', Action: 'rds:DeleteDB*', Resource: '*' },
        ],
      });
      await aws('iam', 'PutRolePolicy', { RoleName: 'r', PolicyName: 'p', PolicyDocument });
      await aws('iam', 'AttachRolePolicy', {
        RoleName: 'r',
        PolicyArn: 'arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole',
      });
      const answer = await aws('iam', 'SimulatePrincipalPolicy', {
        PolicySourceArn: at(role, 'Role.Arn'),
        ActionNames: [
          'rds:CreateDBInstance',
          'rds:DeleteDBInstance',
          'lambda:ListFunctions',
          'ec2:CreateNetworkInterface',
        ],
      });
      return (answer.EvaluationResults as { EvalDecision: string }[]).map((one) => one.EvalDecision);
    },
    ['allowed', 'explicitDeny', 'implicitDeny', 'allowed'],
  );

  differs(
    'lag-iam.role',
    'is not found at once',
    async (aws, bed) => {
      await bed.lag({ 'iam.role': 1 });
      await aws('iam', 'CreateRole', {
        RoleName: 'r',
        AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
      });
      return walk(() => aws('iam', 'GetRole', { RoleName: 'r' }), 'Role.RoleName', 2);
    },
    ['NoSuchEntity', 'r'],
  );

  differs(
    'price-list',
    'amounts that nobody takes for real',
    async (aws) => {
      const Filters = [
        { Type: 'TERM_MATCH', Field: 'instanceType', Value: 'db.t4g.micro' },
        { Type: 'TERM_MATCH', Field: 'deploymentOption', Value: 'Single-AZ' },
      ];
      const answer = await aws('pricing', 'GetProducts', { ServiceCode: 'AmazonRDS', Filters });
      const [one] = (answer.PriceList as string[]).map((item) => JSON.parse(item) as { terms: unknown });
      return [
        (answer.PriceList as string[]).length,
        JSON.stringify(one).includes('"USD":"1111.0000000000"') ||
          JSON.stringify(one).includes('"USD": "1111.0000000000"'),
      ];
    },
    [1, true],
  );

  differs(
    'service-quotas',
    'of what is created',
    async (aws) => {
      const answer = await aws('service-quotas', 'GetServiceQuota', {
        ServiceCode: 'rds',
        QuotaCode: 'L-7B6409FD',
      });
      return at(answer, 'Quota.Value');
    },
    40,
  );
});
