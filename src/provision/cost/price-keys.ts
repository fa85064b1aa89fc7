import type { ProjectConfig } from '../../project/config-schema.ts';

/*
 * Where each thing stands in AWS's price list. Service codes, families and usage types are those of the offer
 * files (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html),
 * cross-read with infracost/infracost internal/resources/aws, which asks the same list.
 */

/** One product of AWS's price list, in the terms of GetProducts. Holds no amount: those are fetched. */
export interface PriceKey {
  readonly serviceCode: string;
  /** Without the region's prefix (`EUC1-`). One that ends in ":" is followed by anything. */
  readonly usagetype: string;
  /** Must be equal. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Decides when several products are left; nothing is lost when none has it. */
  readonly prefer?: Readonly<Record<string, string>>;
}

const postgres = { databaseEngine: 'PostgreSQL' };
const aurora = { databaseEngine: 'Aurora PostgreSQL' };

export const rdsInstance = (instanceClass: string, multiAz: boolean): PriceKey => ({
  serviceCode: 'AmazonRDS',
  // Sizes are shortened in usage types ("db.r5.2xl"), so the class is asked for as an attribute.
  usagetype: multiAz ? 'Multi-AZUsage:' : 'InstanceUsage:',
  attributes: {
    instanceType: instanceClass,
    ...postgres,
    deploymentOption: multiAz ? 'Multi-AZ' : 'Single-AZ',
  },
  // Not one in a local zone or on Outposts.
  prefer: { locationType: 'AWS Region' },
});

export const rdsStorage = (multiAz: boolean): PriceKey => ({
  serviceCode: 'AmazonRDS',
  usagetype: multiAz ? 'RDS:Multi-AZ-GP3-Storage' : 'RDS:GP3-Storage',
  prefer: postgres,
});

export const rdsBackup: PriceKey = {
  serviceCode: 'AmazonRDS',
  usagetype: 'RDS:ChargedBackupUsage',
  prefer: postgres,
};
export const auroraAcu: PriceKey = {
  serviceCode: 'AmazonRDS',
  usagetype: 'Aurora:ServerlessV2Usage',
  prefer: aurora,
};
export const auroraStorage: PriceKey = {
  serviceCode: 'AmazonRDS',
  usagetype: 'Aurora:StorageUsage',
  prefer: aurora,
};
export const auroraIo: PriceKey = {
  serviceCode: 'AmazonRDS',
  usagetype: 'Aurora:StorageIOUsage',
  prefer: aurora,
};
export const auroraBackup: PriceKey = {
  serviceCode: 'AmazonRDS',
  usagetype: 'Aurora:BackupUsage',
  prefer: aurora,
};
export const proxyVcpu: PriceKey = {
  serviceCode: 'AmazonRDS',
  usagetype: 'RDS:ProxyUsage',
  prefer: postgres,
};
export const proxyAcu: PriceKey = {
  serviceCode: 'AmazonRDS',
  usagetype: 'RDS:Proxy-ASv2-Usage',
  prefer: aurora,
};

export const secret: PriceKey = {
  serviceCode: 'AWSSecretsManager',
  usagetype: 'AWSSecretsManager-Secrets',
};

export const endpointHour: PriceKey = { serviceCode: 'AmazonVPC', usagetype: 'VpcEndpoint-Hours' };
export const endpointData: PriceKey = { serviceCode: 'AmazonVPC', usagetype: 'VpcEndpoint-Bytes' };
export const publicAddress: PriceKey = { serviceCode: 'AmazonVPC', usagetype: 'PublicIPv4:InUseAddress' };
export const natHour: PriceKey = {
  serviceCode: 'AmazonEC2',
  usagetype: 'NatGateway-Hours',
  prefer: { operation: 'NatGateway' },
};
export const natData: PriceKey = {
  serviceCode: 'AmazonEC2',
  usagetype: 'NatGateway-Bytes',
  prefer: { operation: 'NatGateway' },
};

type Architecture = ProjectConfig['architecture'];

export const lambdaRequest = (architecture: Architecture): PriceKey => ({
  serviceCode: 'AWSLambda',
  usagetype: architecture === 'arm64' ? 'Request-ARM' : 'Request',
  attributes: { group: architecture === 'arm64' ? 'AWS-Lambda-Requests-ARM' : 'AWS-Lambda-Requests' },
});
export const lambdaDuration = (architecture: Architecture): PriceKey => ({
  serviceCode: 'AWSLambda',
  usagetype: architecture === 'arm64' ? 'Lambda-GB-Second-ARM' : 'Lambda-GB-Second',
  attributes: { group: architecture === 'arm64' ? 'AWS-Lambda-Duration-ARM' : 'AWS-Lambda-Duration' },
});

export const httpApi: PriceKey = { serviceCode: 'AmazonApiGateway', usagetype: 'ApiGatewayHttpRequest' };
export const logsTakenIn: PriceKey = { serviceCode: 'AmazonCloudWatch', usagetype: 'DataProcessing-Bytes' };
export const logsKept: PriceKey = { serviceCode: 'AmazonCloudWatch', usagetype: 'TimedStorage-ByteHrs' };

/** Names a key in a cache: the same question, the same id. */
export function priceId(key: PriceKey): string {
  const parts = (record: Readonly<Record<string, string>> = {}): string =>
    Object.entries(record)
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join(',');
  return [key.serviceCode, key.usagetype, parts(key.attributes), parts(key.prefer)].join('/');
}
