import { ApiGatewayV2Client } from '@aws-sdk/client-apigatewayv2';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { RDSClient } from '@aws-sdk/client-rds';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { exitCodes, UserError } from '../../errors.ts';
import { verifyRegion } from './verify-region.ts';

/** One client per service, made at first use. */
export interface Clients {
  readonly apigateway: ApiGatewayV2Client;
  readonly cloudformation: CloudFormationClient;
  readonly ec2: EC2Client;
  readonly events: EventBridgeClient;
  readonly iam: IAMClient;
  readonly lambda: LambdaClient;
  readonly logs: CloudWatchLogsClient;
  readonly rds: RDSClient;
  readonly secrets: SecretsManagerClient;
  readonly ssm: SSMClient;
  readonly sts: STSClient;
}

export interface Identity {
  readonly account: string;
  readonly arn: string;
  /** `aws`, `aws-cn`, `aws-us-gov`: the second part of every ARN. */
  readonly partition: string;
}

/** An AWS account and region, as the caller reaches them. */
export interface Aws {
  readonly region: string;
  /** For questions: the SDK asks again after throttling, 5xx and lost connections. */
  readonly read: Clients;
  /** For changes: each is sent once. The steps' engine looks at the world before it sends one again. */
  readonly write: Clients;
  /** Who calls; asked once per run. */
  identity(): Promise<Identity>;
  /** The credentials, for what is signed here (IAM database tokens). */
  readonly credentials: ReturnType<typeof fromNodeProviderChain>;
}

export interface AwsChoice {
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
}

/**
 * Region and credentials as AWS's own tools find them: flags, `AWS_REGION`, `AWS_PROFILE`, the shared files, SSO, the container or
 * instance role.
 *
 * @throws UserError NO_REGION, UNKNOWN_REGION (exit 2)
 */
export async function openAws(choice: AwsChoice): Promise<Aws> {
  const region = choice.region ?? (await findRegion(choice.profile));
  if (region === undefined || region === '') {
    throw new UserError('NO_REGION', 'no AWS region is set', {
      exit: exitCodes.usage,
      suggestions: ['--region eu-central-1', 'or AWS_REGION, or "cloud": {"region": …} in lambdapg.json'],
    });
  }
  await verifyRegion(region);
  const credentials = credentialsOf(region, choice.profile);
  const read = clientsOf({ region, credentials, maxAttempts: 5 });
  const write = clientsOf({ region, credentials, maxAttempts: 1 });
  let identity: Promise<Identity> | undefined;
  return {
    region,
    read,
    write,
    credentials,
    identity: () => {
      identity ??= askIdentity(read.sts);
      return identity;
    },
  };
}

/** The SDK's own chain, which does not say whose credentials it looked for. */
function credentialsOf(region: string, profile: string | undefined): Aws['credentials'] {
  const chain = fromNodeProviderChain({
    clientConfig: { region },
    // Who names a profile needs no warning that it wins over the environment.
    ...(profile !== undefined && { profile, logger: silent }),
  });
  if (profile === undefined) return chain;
  return async (options) => {
    try {
      return await chain(options);
    } catch (error) {
      if (error instanceof Error) error.message = `profile "${profile}": ${error.message}`;
      throw error;
    }
  };
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** What the SDK's own chain says: environment, then the profile of the shared files. */
export async function findRegion(profile: string | undefined): Promise<string | undefined> {
  const client = new STSClient({ ...(profile !== undefined && { profile }) });
  return client.config.region().catch(() => undefined);
}

async function askIdentity(sts: STSClient): Promise<Identity> {
  const { Account: account = '', Arn: arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
  return { account, arn, partition: arn.split(':')[1] ?? 'aws' };
}

interface ClientSettings {
  readonly region: string;
  readonly credentials: Aws['credentials'];
  readonly maxAttempts: number;
}

function clientsOf(settings: ClientSettings): Clients {
  const made = new Map<string, unknown>();
  const once = <C>(name: string, make: () => C): C => {
    if (!made.has(name)) made.set(name, make());
    return made.get(name) as C;
  };
  return {
    get apigateway() {
      return once('apigateway', () => new ApiGatewayV2Client(settings));
    },
    get cloudformation() {
      return once('cloudformation', () => new CloudFormationClient(settings));
    },
    get ec2() {
      return once('ec2', () => new EC2Client(settings));
    },
    get events() {
      return once('events', () => new EventBridgeClient(settings));
    },
    get iam() {
      return once('iam', () => new IAMClient(settings));
    },
    get lambda() {
      return once('lambda', () => new LambdaClient(settings));
    },
    get logs() {
      return once('logs', () => new CloudWatchLogsClient(settings));
    },
    get rds() {
      return once('rds', () => new RDSClient(settings));
    },
    get secrets() {
      return once('secrets', () => new SecretsManagerClient(settings));
    },
    get ssm() {
      return once('ssm', () => new SSMClient(settings));
    },
    get sts() {
      return once('sts', () => new STSClient(settings));
    },
  };
}
