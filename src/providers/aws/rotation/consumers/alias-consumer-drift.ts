import type { FunctionConfiguration } from '@aws-sdk/client-lambda';
import type { Carrier } from './environment-carrier.ts';
import { variablesOf } from './function-consumer.ts';

/** What makes a version what it is, its login left out. Names of variables may be shown, values may not. */
export function driftOf(one: FunctionConfiguration, two: FunctionConfiguration, carrier: Carrier): string[] {
  const [first, second] = [substanceOf(one), substanceOf(two)];
  const plain = Object.keys(first).filter(
    (property) => JSON.stringify(first[property]) !== JSON.stringify(second[property]),
  );
  return [...plain, ...variablesThatDiffer(one, two, carrier)];
}

/** Absent and empty are the same. */
function substanceOf(configuration: FunctionConfiguration): Record<string, unknown> {
  const { Layers, VpcConfig, FileSystemConfigs, ImageConfigResponse, SnapStart } = configuration;
  return {
    CodeSha256: configuration.CodeSha256,
    Runtime: configuration.Runtime,
    Handler: configuration.Handler,
    Role: configuration.Role,
    MemorySize: configuration.MemorySize,
    Timeout: configuration.Timeout,
    Architectures: configuration.Architectures,
    Layers: (Layers ?? []).map(({ Arn }) => Arn),
    SubnetIds: [...(VpcConfig?.SubnetIds ?? [])].sort(),
    SecurityGroupIds: [...(VpcConfig?.SecurityGroupIds ?? [])].sort(),
    EphemeralStorage: configuration.EphemeralStorage?.Size ?? 512,
    FileSystemConfigs: FileSystemConfigs ?? [],
    DeadLetterConfig: configuration.DeadLetterConfig?.TargetArn ?? '',
    TracingConfig: configuration.TracingConfig?.Mode ?? 'PassThrough',
    ImageConfig: ImageConfigResponse?.ImageConfig ?? {},
    SnapStart: SnapStart?.ApplyOn ?? 'None',
    LoggingConfig: configuration.LoggingConfig ?? {},
    KMSKeyArn: configuration.KMSKeyArn ?? '',
  };
}

function variablesThatDiffer(
  one: FunctionConfiguration,
  two: FunctionConfiguration,
  carrier: Carrier,
): string[] {
  const [first, second] = [variablesOf(one), variablesOf(two)];
  const ours = new Set([...carrier.names(first), ...carrier.names(second)]);
  return [...new Set([...Object.keys(first), ...Object.keys(second)])]
    .filter((name) => !ours.has(name) && first[name] !== second[name])
    .map((name) => `variable ${name}`);
}
