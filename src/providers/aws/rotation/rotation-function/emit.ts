import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { GetFunctionCommand } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { roleNames } from '../../../../database/roles.ts';
import { UserError } from '../../../../errors.ts';
import { readTree } from '../../../../project/package/read-tree.ts';
import { zipFiles } from '../../../../project/package/zip-files.ts';
import type { ConsumerConfig } from '../../../../project/rotation-schema.ts';
import type { Aws } from '../../clients.ts';
import { explainAwsError } from '../../explain.ts';
import { unlessGone } from '../../judge.ts';
import { certificatesFile, getRdsCertificates } from '../../rds-certificates.ts';
import { functionNameOf, nameOf, tagMapOf } from '../../stage.ts';
import type { DatabaseHave } from '../../steps/database-have.ts';
import { secretNameOf, slotSecret } from '../../steps/secrets.ts';
import type { World } from '../../steps/world.ts';
import type { RotationEndpoint, RotationEndpoints } from '../endpoints.ts';
import { rotationFunctionFiles } from './emit-files.ts';
import type { EmitInput } from './emit-input.ts';
import { type PlaceSetting, rotationFunctionTag, rotationResource } from './rotation-function-settings.ts';

export interface EmittedFunction {
  /** Absolute. */
  readonly dir: string;
  readonly functionName: string;
  /** Relative to `dir`. */
  readonly files: readonly string[];
}

/**
 * Writes a rotation function for the schedule of Secrets Manager into a folder, with all that is needed to make it. Nothing is
 * changed in the account.
 *
 * @param dir created when it is missing; files of a former time are overwritten
 * @throws UserError EMIT_UNSUPPORTED, EMIT_CONSUMERS, ROTATION_FUNCTION_MISSING
 */
export async function emitRotationFunction(
  world: World,
  database: DatabaseHave | undefined,
  endpoints: RotationEndpoints,
  dir: string,
): Promise<EmittedFunction> {
  const { context, aws, stage } = world;
  const stays = stage.cloud.rotation.consumers.filter((consumer) => !follows(consumer)).map(titleOf);
  if (stays.length > 0) throw staysBehind(stays);
  const input = await emitInputOf(world, database, endpoints);
  const code = await readTree(join(context.packageDir, 'dist', 'rotation'), () => true).catch(
    () => undefined,
  );
  if (code === undefined || code.size === 0) throw notBuilt();
  const ca = Buffer.from(await getRdsCertificates(context, aws.region));
  const zip = await zipFiles(new Map([...code, [certificatesFile, ca]]));
  const target = resolve(context.cwd, dir);
  await mkdir(target, { recursive: true });
  const files = new Map<string, string | Buffer>([['function.zip', zip], ...rotationFunctionFiles(input)]);
  for (const [name, content] of files) await writeFile(join(target, name), content);
  return { dir: target, functionName: input.functionName, files: [...files.keys()] };
}

/** Whether the rotation function of a secret is one that lambdapg wrote, for the look before a rotation. */
export const isOwnRotationFunction =
  (aws: Aws) =>
  async (functionArn: string): Promise<boolean> => {
    const asked = aws.read.lambda.send(new GetFunctionCommand({ FunctionName: functionArn }));
    // One that may not be looked at is somebody else's.
    const found = await asked.catch(() => undefined);
    return found?.Tags?.[rotationFunctionTag] !== undefined;
  };

/** @throws UserError EMIT_UNSUPPORTED */
async function emitInputOf(
  world: World,
  database: DatabaseHave | undefined,
  { endpoints, proxyEndpoints }: RotationEndpoints,
): Promise<EmitInput> {
  const { context, aws, stage } = world;
  if (database?.masterSecretArn === undefined) throw noAdminSecret(stage.prefix);
  const { account, partition } = await aws.identity();
  const isProxied = proxyEndpoints.length > 0;
  const [active, a, b] = await Promise.all(
    ['active', ...(isProxied ? [slotSecret('a'), slotSecret('b')] : [])].map((name) =>
      describeSecret(aws, secretNameOf(stage, name)),
    ),
  );
  const admin = await describeSecret(aws, database.masterSecretArn);
  const { owner, app, slots } = roleNames({ kebab: stage.project, snake: stage.snake, pascal: '' });
  const network = await findNetwork(world);
  const keys = [active, a, b, admin].flatMap((secret) => (secret?.key === undefined ? [] : [secret.key]));
  return {
    ...{ version: context.version, functionName: nameOf(stage, rotationResource), account, partition },
    region: aws.region,
    settings: {
      ...{ id: stage.prefix, secret: active?.arn ?? '', adminSecret: database.masterSecretArn },
      ...{ database: stage.snake, ownerRole: owner, appRole: app, slots },
      endpoints: endpoints.map(placeOf),
      proxyEndpoints: proxyEndpoints.map(placeOf),
      ...(a !== undefined && b !== undefined && { slotSecrets: { a: a.arn, b: b.arn } }),
      drainSeconds: drainSecondsOf(world),
    },
    tags: tagMapOf(stage, rotationResource),
    ...(network !== undefined && { network }),
    kmsKeys: [...new Set(keys)],
  };
}

const placeOf = ({ title, target: { host, port } }: RotationEndpoint): PlaceSetting => ({
  title,
  host,
  port,
});

async function describeSecret(
  aws: Aws,
  id: string,
): Promise<{ readonly arn: string; readonly key?: string }> {
  try {
    const { ARN = '', KmsKeyId } = await aws.read.secrets.send(new DescribeSecretCommand({ SecretId: id }));
    // AWS's own key needs no permission.
    const isOwn = KmsKeyId?.startsWith('arn:') === true;
    return { arn: ARN, ...(isOwn && KmsKeyId !== undefined && { key: KmsKeyId }) };
  } catch (error) {
    throw explainAwsError(error, `secret ${id}`);
  }
}

/** The connection module's own unless told; a foreign function may run for 15 minutes. Seconds. */
function drainSecondsOf({ stage: { config, cloud } }: World): number {
  const caches = cloud.rotation.consumers.map(({ cacheSeconds = 300 }) => cacheSeconds);
  const timeouts = Object.values(config.functions).map(({ timeoutSeconds }) => timeoutSeconds);
  const foreign = cloud.rotation.consumers.length > 0 ? [900] : [];
  return Math.max(300, ...caches) + Math.max(...timeouts, ...foreign, 10);
}

/** Where the functions of the stage are, and its runner, which reaches the database behind a proxy. */
async function findNetwork({ aws, stage }: World): Promise<EmitInput['network']> {
  const names = [
    ...Object.keys(stage.config.functions).map((name) => functionNameOf(stage, name)),
    nameOf(stage, 'runner'),
  ];
  const found = await Promise.all(
    names.map((name) => unlessGone(aws.read.lambda.send(new GetFunctionCommand({ FunctionName: name })))),
  );
  const configs = found.flatMap((one) => one?.Configuration?.VpcConfig ?? []);
  const subnetIds = configs.find(({ SubnetIds = [] }) => SubnetIds.length > 0)?.SubnetIds;
  const securityGroupIds = [...new Set(configs.flatMap(({ SecurityGroupIds = [] }) => SecurityGroupIds))];
  if (subnetIds === undefined || securityGroupIds.length === 0) return undefined;
  return { subnetIds, securityGroupIds };
}

const follows = (consumer: ConsumerConfig): boolean =>
  'function' in consumer && (consumer.credentials === 'module' || consumer.credentials === 'cached');

function titleOf(consumer: ConsumerConfig): string {
  if ('function' in consumer) return `function ${consumer.function} (${consumer.credentials})`;
  return 'parameter' in consumer ? `parameter ${consumer.parameter}` : `secret ${consumer.secret}`;
}

const staysBehind = (titles: readonly string[]): UserError =>
  new UserError(
    'EMIT_CONSUMERS',
    `a rotation by Secrets Manager changes one secret, and these hold a copy of the login: ${titles.join(', ')}`,
    {
      suggestions: [
        'lambdapg rotate-creds, from a schedule of your own: it changes them, too',
        'or let them read the secret themselves ("credentials": "module" or "cached" in lambdapg.json)',
      ],
    },
  );

const noAdminSecret = (stage: string): UserError =>
  new UserError(
    'EMIT_UNSUPPORTED',
    `the database of ${stage} has no master user whose secret RDS keeps, by which a function could change passwords`,
    { suggestions: ['lambdapg rotate-creds, from a schedule of your own'] },
  );

const notBuilt = (): UserError =>
  new UserError('ROTATION_FUNCTION_MISSING', 'this lambdapg has no rotation function in its package', {
    suggestions: ['npm run build, in a checkout', 'or install lambdapg anew'],
  });
