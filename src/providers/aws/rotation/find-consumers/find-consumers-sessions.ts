import { DescribeNetworkInterfacesCommand } from '@aws-sdk/client-ec2';
import type { SessionSeen } from '../../../../rotation/observation.ts';
import type { ConsumerWorld } from '../consumers/function-consumer.ts';
import type { ConsumerCandidate } from './find-consumers-traces.ts';
import { unlessUnseen } from './find-consumers-unseen.ts';

export interface Connected {
  /** By function, in words. */
  readonly functions: ReadonlyMap<string, string>;
  /** Sessions that belong to no known function. */
  readonly others: readonly ConsumerCandidate[];
}

/** EC2 takes so many values in one filter. */
const mostAddresses = 200;

/**
 * Whose connections they are: the connection module says its function in `application_name`, and a function in a VPC is known by the
 * network interface that its address belongs to.
 */
export async function functionsConnected(
  world: ConsumerWorld,
  sessions: readonly SessionSeen[],
  unseen: string[],
): Promise<Connected> {
  const byInterface = await interfaceOwners(world, sessions, unseen);
  const functions = new Map<string, string>();
  const others = new Map<string, ConsumerCandidate>();
  for (const { user, application, address } of sessions) {
    if (application.startsWith('lambdapg')) continue;
    const name = moduleFunction(application) ?? functionOfInterface(byInterface.get(address));
    if (name !== undefined) {
      functions.set(name, `it is connected now as ${user} from ${address}`);
      continue;
    }
    const id = `session ${application || 'without a name'} at ${address || 'an unknown address'}`;
    const place = byInterface.get(address);
    const evidence = [
      `it is connected now as ${user}`,
      ...(place === undefined ? [] : [`its address belongs to ${place}`]),
    ];
    others.set(id, { id, evidence, listed: false, note: 'see what it is, and list it if it stays' });
  }
  return { functions, others: [...others.values()] };
}

/** `lpg/<function>/<version>/<environment>`; a name that was cut cannot be told. */
const moduleFunction = (application: string): string | undefined =>
  /^lpg\/([\w-]+)\/[^/]*\/[0-9a-f]{8}$/.exec(application)?.[1];

/** How Lambda describes its interfaces. https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html */
const functionOfInterface = (description: string | undefined): string | undefined =>
  /^AWS Lambda VPC ENI-(.+?)(?:-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/.exec(description ?? '')?.[1];

/** Descriptions of network interfaces by private address. */
async function interfaceOwners(
  { aws }: ConsumerWorld,
  sessions: readonly SessionSeen[],
  unseen: string[],
): Promise<Map<string, string>> {
  const addresses = [...new Set(sessions.map(({ address }) => address))].filter((one) => /^\d/.test(one));
  if (addresses.length === 0) return new Map();
  const Filters = [{ Name: 'addresses.private-ip-address', Values: addresses.slice(0, mostAddresses) }];
  const found = await unlessUnseen(unseen, 'network interfaces', () =>
    aws.read.ec2.send(new DescribeNetworkInterfacesCommand({ Filters })),
  );
  return new Map(
    (found?.NetworkInterfaces ?? []).map(({ PrivateIpAddress = '', Description = '' }) => [
      PrivateIpAddress,
      Description,
    ]),
  );
}
