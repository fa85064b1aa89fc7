import { networkInterfaces, type Statement } from '../../steps/iam-role.ts';
import type { EmitInput } from './emit-input.ts';
import { rotationReadme } from './emit-readme.ts';
import { rotationFunctionTag, settingsVariable } from './rotation-function-settings.ts';

/** The function's own: Node is on Lambda until April 2028. docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html */
const runtime = 'nodejs24.x';
/** A killed run's lease lasts a minute, a proxy needs ten seconds, a lagging reader more. */
const timeoutSeconds = 300;

/** What lies beside the code. Pure. */
export function rotationFunctionFiles(input: EmitInput): ReadonlyMap<string, string> {
  return new Map([
    ['README.md', rotationReadme(input)],
    ['role-trust.json', json(trust)],
    ['role-policy.json', json({ Version: '2012-10-17', Statement: statementsOf(input) })],
    ['function.json', json(functionOf(input))],
    ['lambdapg-rotation.json', json(markerOf(input))],
  ]);
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const trust = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

function statementsOf(input: EmitInput): Statement[] {
  const { settings, partition, region, account, functionName, kmsKeys } = input;
  const logs = `arn:${partition}:logs:${region}:${account}:log-group:/aws/lambda/${functionName}`;
  const { a, b } = settings.slotSecrets ?? {};
  return [
    {
      Effect: 'Allow',
      Action: [
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'secretsmanager:ListSecretVersionIds',
        'secretsmanager:PutSecretValue',
        'secretsmanager:UpdateSecretVersionStage',
      ],
      Resource: settings.secret,
    },
    { Effect: 'Allow', Action: ['secretsmanager:GetSecretValue'], Resource: settings.adminSecret },
    ...(a === undefined || b === undefined
      ? []
      : [
          {
            Effect: 'Allow' as const,
            Action: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
            Resource: [a, b],
          },
        ]),
    ...(kmsKeys.length === 0
      ? []
      : [
          {
            Effect: 'Allow' as const,
            Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
            Resource: kmsKeys,
            Condition: { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` } },
          },
        ]),
    {
      Effect: 'Allow',
      Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: [logs, `${logs}:*`],
    },
    networkInterfaces,
  ];
}

/** For `aws lambda create-function --cli-input-json`. */
function functionOf({ functionName, account, partition, settings, tags, network }: EmitInput): object {
  return {
    FunctionName: functionName,
    Description: `lambdapg: rotates the login of ${settings.id} for Secrets Manager`,
    Runtime: runtime,
    Architectures: ['arm64'],
    Handler: 'index.handler',
    Role: `arn:${partition}:iam::${account}:role/${functionName}`,
    MemorySize: 512,
    Timeout: timeoutSeconds,
    Environment: { Variables: { [settingsVariable]: JSON.stringify(settings) } },
    VpcConfig: {
      SubnetIds: network?.subnetIds ?? ['subnet-…'],
      SecurityGroupIds: network?.securityGroupIds ?? ['sg-…'],
    },
    Tags: { ...tags, [rotationFunctionTag]: settings.id },
  };
}

/** Says what made this folder. */
function markerOf({ version, functionName, settings }: EmitInput): object {
  return { [rotationFunctionTag]: settings.id, lambdapg: version, functionName, secret: settings.secret };
}
