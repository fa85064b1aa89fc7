import { DescribeInstanceTypesCommand, type EC2Client } from '@aws-sdk/client-ec2';

export interface InstanceSize {
  /** Nominal: RDS's own processes keep a part of it. */
  readonly memoryBytes: number;
  readonly vCpus: number;
}

/**
 * Memory and vCPUs of an RDS class, by the EC2 type of the same name: RDS publishes them in its documentation
 * only. Undefined where EC2 has no such type (it is not the judge of what RDS offers).
 */
export async function findInstanceSize(
  ec2: EC2Client,
  instanceClass: string,
): Promise<InstanceSize | undefined> {
  const type = instanceClass.replace(/^db\./, '');
  // A filter, for an unknown type by name would be an error.
  const { InstanceTypes: types = [] } = await ec2.send(
    new DescribeInstanceTypesCommand({ Filters: [{ Name: 'instance-type', Values: [type] }] }),
  );
  const found = types.find((candidate) => candidate.InstanceType === type);
  const memoryMib = found?.MemoryInfo?.SizeInMiB;
  const vCpus = found?.VCpuInfo?.DefaultVCpus;
  return memoryMib === undefined || vCpus === undefined
    ? undefined
    : { memoryBytes: memoryMib * 2 ** 20, vCpus };
}
