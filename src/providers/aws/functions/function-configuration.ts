import type { Environment, FunctionConfiguration, VpcConfigResponse } from '@aws-sdk/client-lambda';
import { UserError } from '../../../errors.ts';
import type { Difference, Haves } from '../../../provision/step.ts';
import { certificatesFile } from '../rds-certificates.ts';
import { functionNameOf, type Stage } from '../stage.ts';
import { difference } from '../steps/tagged.ts';
import type { FunctionNeeds } from './needs.ts';

/** What `UpdateFunctionConfiguration` takes, and a deployed function is compared with. */
export interface WantedConfiguration {
  readonly Runtime: Stage['config']['runtime'];
  readonly Handler: string;
  readonly MemorySize: number;
  readonly Timeout: number;
  readonly Role: string;
  readonly Environment: { readonly Variables: Record<string, string> };
  readonly VpcConfig: { readonly SubnetIds: string[]; readonly SecurityGroupIds: string[] };
  readonly LoggingConfig: { readonly LogFormat: 'JSON'; readonly LogGroup: string };
}

/** A configuration from `lambdapg.json` and what exists. */
export function wantedConfiguration(
  stage: Stage,
  name: string,
  needs: FunctionNeeds,
  haves: Haves,
  roleArn: string,
): WantedConfiguration {
  const { runtime, language } = stage.config;
  const { handler, memoryMb, timeoutSeconds } = getFunction(stage, name);
  return {
    Runtime: runtime,
    // A bundle is always called index.mjs.
    Handler: language === 'node' ? `index.${handler.slice(handler.lastIndexOf('.') + 1)}` : handler,
    MemorySize: memoryMb,
    Timeout: timeoutSeconds,
    Role: roleArn,
    Environment: { Variables: environmentOf(stage, name, needs, haves) },
    VpcConfig: {
      SubnetIds: needs.subnets.map((subnet) => haves.get(subnet).subnetId),
      SecurityGroupIds: [haves.get(needs.functionGroup).groupId],
    },
    LoggingConfig: { LogFormat: 'JSON', LogGroup: `/aws/lambda/${functionNameOf(stage, name)}` },
  };
}

export function getFunction({ config }: Stage, name: string) {
  const found = config.functions[name];
  if (found !== undefined) return found;
  throw new UserError('FUNCTION_NOT_FOUND', `there is no function "${name}" in lambdapg.json`, {
    suggestions: [`choose one of: ${Object.keys(config.functions).join(', ')}`],
  });
}

/** What the connection runtime reads. No password: it is in the secret, or made from the function's role. */
function environmentOf(
  stage: Stage,
  name: string,
  { front, activeSecret }: FunctionNeeds,
  haves: Haves,
): Record<string, string> {
  const { host, port } = haves.get(front);
  const login: Record<string, string> =
    activeSecret === undefined
      ? { LAMBDAPG_DB_AUTH: 'iam', PGUSER: `${stage.snake}_a` }
      : { LAMBDAPG_SECRET_ARN: haves.get(activeSecret).arn };
  return {
    ...getFunction(stage, name).environment,
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: stage.snake,
    PGSSLMODE: 'verify-full',
    ...(isDirect(stage) && { PGSSLROOTCERT: `./${certificatesFile}` }),
    ...login,
  };
}

/** Without a proxy, whose certificate everybody trusts, functions need RDS's own authorities. */
export const isDirect = ({ cloud }: Stage): boolean => cloud.proxy === false;

/** Only these are shown: somebody may have put a secret into any other. */
const plainVariables = new Set(
  ['HOST', 'PORT', 'DATABASE', 'USER', 'SSLMODE', 'SSLROOTCERT']
    .map((name) => `PG${name}`)
    .concat('LAMBDAPG_SECRET_ARN', 'LAMBDAPG_DB_AUTH'),
);

/** Where a deployed function, or one of its versions, is not as wanted. */
export function configurationDifferences(
  have: FunctionConfiguration,
  want: WantedConfiguration,
): Difference[] {
  const plain = (['Runtime', 'Handler', 'MemorySize', 'Timeout', 'Role'] as const)
    .filter((property) => have[property] !== want[property])
    .map((property) => difference(property, String(have[property]), String(want[property]), true));
  return [
    ...plain,
    ...variableDifferences(have.Environment, want.Environment.Variables),
    ...vpcDifferences(have.VpcConfig, want.VpcConfig),
    ...loggingDifferences(have, want),
  ];
}

function variableDifferences(
  have: Environment | undefined,
  want: Readonly<Record<string, string>>,
): Difference[] {
  const now = have?.Variables ?? {};
  const names = [...new Set([...Object.keys(now), ...Object.keys(want)])].sort();
  return names
    .filter((name) => now[name] !== want[name])
    .map((name) => {
      const shown = (value: string | undefined): string =>
        value === undefined ? 'not set' : plainVariables.has(name) ? value : 'another value';
      return difference(`Environment ${name}`, shown(now[name]), shown(want[name]), true);
    });
}

function vpcDifferences(
  have: VpcConfigResponse | undefined,
  want: WantedConfiguration['VpcConfig'],
): Difference[] {
  return (['SubnetIds', 'SecurityGroupIds'] as const).flatMap((property) => {
    const [now, then] = [have?.[property] ?? [], want[property]].map((ids) => [...ids].sort().join(' '));
    return now === then ? [] : [difference(`VpcConfig ${property}`, now || 'none', String(then), true)];
  });
}

function loggingDifferences(
  { LoggingConfig: have }: FunctionConfiguration,
  { LoggingConfig: want }: WantedConfiguration,
): Difference[] {
  return (['LogFormat', 'LogGroup'] as const).flatMap((property) =>
    have === undefined || have[property] === want[property]
      ? []
      : [difference(`LoggingConfig ${property}`, String(have[property]), want[property], true)],
  );
}
