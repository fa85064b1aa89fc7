import type { CloudConfig } from '../../project/config-schema.ts';
import { type CostDriver, hoursPerMonth } from './cost-driver.ts';
import * as keys from './price-keys.ts';

/** Subnets in two zones: an interface endpoint has one network interface in each. */
const zones = 2;

/** The two ways to reach Secrets Manager from a private subnet, side by side. */
export function networkDrivers(cloud: CloudConfig): CostDriver[] {
  const { kind } = cloud.network;
  const needsEndpoint = cloud.auth === 'secret';
  const showsEndpoint = needsEndpoint && kind !== 'existing';
  const endpoint = { title: `interface endpoint in ${zones} zones`, chosen: kind === 'isolated' };
  const nat = { title: 'one NAT gateway', chosen: kind === 'nat' };
  return [
    ...(showsEndpoint ? endpointDrivers(endpoint) : []),
    ...(showsEndpoint || kind === 'nat' ? natDrivers(nat) : []),
  ];
}

const endpointDrivers = (way: { readonly title: string; readonly chosen: boolean }): CostDriver[] => [
  {
    id: 'endpoint',
    title: 'Secrets Manager endpoint, per zone',
    unit: 'hour',
    quantityPerMonth: zones * hoursPerMonth,
    price: keys.endpointHour,
    note: 'not needed with "auth": "iam"',
    way,
  },
  {
    id: 'endpoint-data',
    title: 'data through the endpoint',
    unit: 'GB',
    quantityPerMonth: 'by use',
    price: keys.endpointData,
    way,
  },
];

const natDrivers = (way: { readonly title: string; readonly chosen: boolean }): CostDriver[] => [
  {
    id: 'nat',
    title: 'NAT gateway',
    unit: 'hour',
    quantityPerMonth: hoursPerMonth,
    price: keys.natHour,
    note: 'in one zone; lambdapg makes no second one',
    way,
  },
  {
    id: 'nat-address',
    title: 'public IPv4 address of the NAT gateway',
    unit: 'hour',
    quantityPerMonth: hoursPerMonth,
    price: keys.publicAddress,
    note: 'every public IPv4 address is billed by the hour, also while it is in use',
    way,
  },
  {
    id: 'nat-data',
    title: 'data through the NAT gateway',
    unit: 'GB',
    quantityPerMonth: 'by use',
    price: keys.natData,
    way,
  },
];
