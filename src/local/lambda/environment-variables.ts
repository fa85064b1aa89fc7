import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { functionVersion, type LocalFunction, localRegion } from './local-function.ts';

/** What a process needs of the machine to run at all; nothing else of the developer's own environment is passed on. */
const neededFromMachine = [
  'PATH',
  'HOME',
  'TMPDIR',
  'SystemRoot',
  'SystemDrive',
  'windir',
  'USERPROFILE',
  'TEMP',
  'TMP',
  'PATHEXT',
  'COMSPEC',
];

/**
 * The environment of one execution environment: Lambda's own variables, the function's configured ones, and the
 * few of the machine without which no process starts. As on Lambda, the function cannot override the reserved ones.
 *
 * @param machine the developer's environment
 * @param environmentId 8 hex digits, told to the function as `LAMBDAPG_ENVIRONMENT_ID`
 */
export function environmentVariables(
  fn: LocalFunction,
  machine: Readonly<Record<string, string | undefined>>,
  environmentId: string,
  runtimeApi: string,
): Record<string, string> {
  const variables: Record<string, string> = { LANG: 'en_US.UTF-8' };
  for (const [name, value] of Object.entries(machine)) {
    const needed = neededFromMachine.some((known) => known.toUpperCase() === name.toUpperCase());
    if (needed && value !== undefined) variables[name] = value;
  }
  return {
    ...variables,
    // Lambda's own spelling, which Windows' C library does not read.
    TZ: process.platform === 'win32' ? 'UTC' : ':UTC',
    ...fn.environment,
    ...reservedVariables(fn, runtimeApi),
    LAMBDAPG_ENVIRONMENT_ID: environmentId,
  };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, without the credentials */
function reservedVariables(fn: LocalFunction, runtimeApi: string): Record<string, string> {
  const version = functionVersion(fn);
  return {
    _HANDLER: fn.handler,
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    AWS_REGION: fn.environment.AWS_REGION ?? localRegion,
    AWS_DEFAULT_REGION: fn.environment.AWS_DEFAULT_REGION ?? localRegion,
    AWS_EXECUTION_ENV: `AWS_Lambda_${fn.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: fn.name,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(fn.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${fn.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: logStreamName(version),
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    LAMBDA_TASK_ROOT: fn.codeDir,
    LAMBDA_RUNTIME_DIR: dirname(fn.executable),
  };
}

function logStreamName(version: string): string {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
  return `${day}/[${version}]${randomBytes(16).toString('hex')}`;
}
