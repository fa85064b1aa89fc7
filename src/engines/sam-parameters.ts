import type { CloudConfig } from '../project/config-schema.ts';

/**
 * What `lambdapg.json` says under `cloud`, as parameters of `template.yaml`, which CloudFormation cannot read it for: `Name=value`
 * each. The AWS CLI passes those over that the template does not have. Pure.
 */
export function samParameters(
  stage: string,
  { database, proxy, network, logRetentionDays }: CloudConfig,
  vpcId?: string,
): string[] {
  const [PrivateA, PrivateB] = network.subnetIds;
  const values: Readonly<Record<string, string | number | boolean | undefined>> = {
    Stage: stage,
    LogRetentionDays: logRetentionDays,
    NetworkCidr: network.cidr,
    ...{ Vpc: vpcId, PrivateA, PrivateB },
    HerokuAddon: database.herokuAddon,
    DatabaseVersion: database.version,
    DatabaseClass: database.instanceClass,
    DatabaseStorageGb: database.storageGb,
    DatabaseMultiAz: database.multiAz,
    BackupDays: database.backupDays,
    DeletionProtection: database.deletionProtection,
    MinAcu: database.minAcu,
    MaxAcu: database.maxAcu,
    AutoPauseSeconds: database.autoPauseSeconds,
    ...(proxy !== false && {
      ProxyRequireTls: proxy.requireTls,
      ProxyIdleClientTimeout: proxy.idleClientTimeoutSeconds,
      ProxyMaxConnectionsPercent: proxy.maxConnectionsPercent,
      ProxyMaxIdleConnectionsPercent: Math.min(proxy.maxIdleConnectionsPercent, proxy.maxConnectionsPercent),
      ProxyBorrowTimeout: proxy.borrowTimeoutSeconds,
    }),
  };
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
}
