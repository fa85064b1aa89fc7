import { ArnFormat, Duration, RemovalPolicy, type Size } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { nameOf, tag } from './names.ts';
import { packagePath, project } from './project.ts';

export interface LambdaFunctionProps {
  /** The last part of its name. */
  readonly name: string;
  /** Of `.lambdapg/package`, without `.zip`. */
  readonly zip: string;
  readonly runtime: string;
  readonly architecture: 'arm64' | 'x86_64';
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly description: string;
  readonly environment?: Record<string, string>;
  readonly reservedConcurrency?: number;
  readonly ephemeralStorage?: Size;
  readonly layers?: lambda.ILayerVersion[];
  /** What it may do besides writing its log. */
  readonly statements?: (functionArn: string) => iam.PolicyStatement[];
  /** Its network; absent: none of yours. */
  readonly network?: Pick<lambda.FunctionProps, 'vpc' | 'vpcSubnets' | 'securityGroups'>;
}

/**
 * A function with a role and a log group of its own. CDK would give it AWS's managed policies, which let it write to any log
 * group, and a log group that is kept for ever.
 */
export function lambdaFunction(scope: Construct, id: string, props: LambdaFunctionProps): lambda.Function {
  const functionName = nameOf(scope, props.name);
  const logGroup = new logs.LogGroup(scope, `${id}Logs`, {
    logGroupName: `/aws/lambda/${functionName}`,
    retention: project.cloud.logRetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  tag(logGroup, props.name);
  return new lambda.Function(scope, id, {
    functionName,
    description: props.description,
    code: lambda.Code.fromAsset(packagePath(props.zip)),
    runtime: new lambda.Runtime(props.runtime),
    architecture: props.architecture === 'arm64' ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
    handler: props.handler,
    timeout: Duration.seconds(props.timeoutSeconds),
    memorySize: props.memoryMb,
    role: roleOf(scope, id, props, logGroup),
    logGroup,
    loggingFormat: lambda.LoggingFormat.JSON,
    ...props.network,
    environment: props.environment,
    layers: props.layers,
    ephemeralStorageSize: props.ephemeralStorage,
    reservedConcurrentExecutions: props.reservedConcurrency,
    // A former version can be given to the alias again, by hand.
    currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
  });
}

function roleOf(
  scope: Construct,
  id: string,
  { name, description, statements }: LambdaFunctionProps,
  logGroup: logs.LogGroup,
): iam.Role {
  const log = new iam.PolicyStatement({
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [logGroup.logGroupArn],
  });
  const functionArn = logGroup.stack.formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: nameOf(scope, name),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const role = new iam.Role(scope, `${id}Role`, {
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    description,
    inlinePolicies: {
      lambdapg: new iam.PolicyDocument({ statements: [log, ...(statements?.(functionArn) ?? [])] }),
    },
  });
  tag(role, name);
  return role;
}
