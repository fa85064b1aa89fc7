import type { CloudConfig } from '../../project/config-schema.ts';
import { type CostDriver, hoursPerMonth } from './cost-driver.ts';
import * as keys from './price-keys.ts';

/** https://aws.amazon.com/rds/proxy/pricing/: at least 2 vCPU of an instance, at least 8 ACU of Serverless v2. */
const leastProxyVcpus = 2;
const leastProxyAcus = 8;
/** The least an instance runs at while it may not pause; https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html */
const leastAwakeAcu = 0.5;

/** Instances, storage, backups and the proxy. `vCpus`: of the RDS class, for the proxy's price. */
export function databaseDrivers(cloud: CloudConfig, vCpus: number | undefined): CostDriver[] {
  return [
    ...(cloud.database.kind === 'rds' ? rdsDrivers(cloud.database) : auroraDrivers(cloud)),
    ...(cloud.proxy === false ? [] : [proxyDriver(cloud.database, vCpus)]),
  ];
}

function rdsDrivers(database: CloudConfig['database']): CostDriver[] {
  const twice = database.multiAz ? 'Multi-AZ: a standby in a second zone, about twice the price' : undefined;
  const storage = (id: string, title: string, multiAz: boolean): CostDriver => ({
    id,
    title,
    unit: 'GB-month',
    quantityPerMonth: database.storageGb,
    price: keys.rdsStorage(multiAz),
  });
  const instance = (id: string, title: string, multiAz: boolean): CostDriver => ({
    id,
    title: `${title} ${database.instanceClass}`,
    unit: 'hour',
    quantityPerMonth: hoursPerMonth,
    price: keys.rdsInstance(database.instanceClass, multiAz),
    ...(multiAz && twice !== undefined ? { note: twice } : {}),
  });
  return [
    instance('instance', 'RDS instance', database.multiAz),
    storage('storage', 'storage of the instance, gp3', database.multiAz),
    ...(database.reader
      ? [
          instance('replica', 'read replica', false),
          storage('replica-storage', 'storage of the replica, gp3', false),
        ]
      : []),
    backupDriver(keys.rdsBackup),
  ];
}

function auroraDrivers(cloud: CloudConfig): CostDriver[] {
  const { minAcu, maxAcu, reader, autoPauseSeconds } = cloud.database;
  const instances = reader ? 2 : 1;
  const awake = cloud.proxy !== false && minAcu === 0;
  const least = (awake ? leastAwakeAcu : minAcu) * instances;
  const most = `at most ${maxAcu * instances * hoursPerMonth} ACU-hours under load`;
  const pause = awake
    ? '; minAcu is 0, but RDS Proxy keeps connections open, so the cluster never pauses'
    : minAcu === 0
      ? `; pauses after ${autoPauseSeconds} s without a connection`
      : '';
  return [
    {
      id: 'acu',
      title: `Aurora Serverless v2, ${reader ? 'writer and reader' : 'one instance'}`,
      unit: 'ACU-hour',
      quantityPerMonth: least * hoursPerMonth,
      price: keys.auroraAcu,
      note: `the least, without load; ${most}${pause}`,
    },
    {
      id: 'aurora-storage',
      title: 'Aurora storage',
      unit: 'GB-month',
      quantityPerMonth: 'by use',
      price: keys.auroraStorage,
    },
    {
      id: 'aurora-io',
      title: 'Aurora reads and writes of storage',
      unit: 'million',
      unitSize: 1_000_000,
      quantityPerMonth: 'by use',
      price: keys.auroraIo,
    },
    backupDriver(keys.auroraBackup),
  ];
}

const backupDriver = (price: keys.PriceKey): CostDriver => ({
  id: 'backup',
  title: 'backups and snapshots',
  unit: 'GB-month',
  quantityPerMonth: 'by use',
  price,
  note: 'automatic backups up to the size of the database are free; a final snapshot stays, and is billed, after destroy',
});

function proxyDriver(database: CloudConfig['database'], vCpus: number | undefined): CostDriver {
  const shared = { id: 'proxy', title: 'RDS Proxy' };
  if (database.kind === 'aurora') {
    const acus = Math.max(leastProxyAcus, database.minAcu * (database.reader ? 2 : 1));
    return {
      ...shared,
      unit: 'ACU-hour',
      quantityPerMonth: acus * hoursPerMonth,
      price: keys.proxyAcu,
      note: `billed by the capacity of the cluster, for ${leastProxyAcus} ACU at least, whatever the cluster uses`,
    };
  }
  const billed = Math.max(leastProxyVcpus, vCpus ?? leastProxyVcpus);
  const unknown = vCpus === undefined ? `; the vCPU count of ${database.instanceClass} is not known` : '';
  return {
    ...shared,
    unit: 'vCPU-hour',
    quantityPerMonth: billed * hoursPerMonth,
    price: keys.proxyVcpu,
    note: `billed by the vCPU of the instance, for ${leastProxyVcpus} at least${unknown}`,
  };
}
