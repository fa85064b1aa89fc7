import { isManaged } from '../../../project/choices.ts';
import type { CloudConfig } from '../../../project/config-schema.ts';
import { proxyDefaults } from '../every-step.ts';
import type { Look } from '../look.ts';
import { isOurs, nameOf } from '../stage.ts';
import { secretNameOf } from '../steps/secrets.ts';
import type { World } from '../steps/world.ts';

/**
 * The same stage with what exists in the place of what `lambdapg.json` says: people edit their engine's files, and what is there is
 * the truth.
 */
export async function withActualAnswers<W extends World>(world: W, look: Look): Promise<W> {
  const { stage } = world;
  const { cloud } = stage;
  if (!isManaged({ database: cloud.database.kind })) return world;
  const [database, proxy, auth, network] = await Promise.all([
    actualDatabase(world, look),
    look.dbProxy(nameOf(stage, 'proxy')),
    actualAuth(world, look),
    actualNetwork(world, look),
  ]);
  if (database === undefined) return world;
  const settings = cloud.proxy === false ? proxyDefaults : cloud.proxy;
  const actual: CloudConfig = {
    ...cloud,
    database,
    auth,
    network,
    proxy: proxy === undefined ? false : settings,
  };
  return { ...world, stage: { ...stage, cloud: actual } };
}

async function actualDatabase({ stage }: World, look: Look): Promise<CloudConfig['database'] | undefined> {
  const { database } = stage.cloud;
  const [instance, cluster, reader] = await Promise.all([
    look.dbInstance(nameOf(stage, 'db')),
    look.dbCluster(nameOf(stage, 'db')),
    look.dbInstance(nameOf(stage, 'db-reader')),
  ]);
  const common = { ...database, reader: reader !== undefined };
  if (cluster !== undefined && isOurs(stage, cluster.TagList)) {
    const { MinCapacity, MaxCapacity } = cluster.ServerlessV2ScalingConfiguration ?? {};
    const acu = { minAcu: MinCapacity ?? database.minAcu, maxAcu: MaxCapacity ?? database.maxAcu };
    return { ...common, ...acu, kind: 'aurora' };
  }
  if (instance === undefined || !isOurs(stage, instance.TagList)) return undefined;
  return {
    ...common,
    kind: 'rds',
    instanceClass: instance.DBInstanceClass ?? database.instanceClass,
    storageGb: instance.AllocatedStorage ?? database.storageGb,
    multiAz: instance.MultiAZ ?? database.multiAz,
  };
}

/** With IAM there is no secret at all. */
async function actualAuth({ stage }: World, look: Look): Promise<CloudConfig['auth']> {
  const secrets = await look.secrets();
  const active = secrets.find(({ Name }) => Name === secretNameOf(stage, 'active'));
  return active === undefined || active.DeletedDate !== undefined ? 'iam' : 'secret';
}

async function actualNetwork({ stage }: World, look: Look): Promise<CloudConfig['network']> {
  const { network } = stage.cloud;
  if (network.kind === 'existing') return network;
  const gateways = (await look.natGateways()).filter(({ State }) => State !== 'deleted');
  return { ...network, kind: gateways.length > 0 ? 'nat' : 'isolated' };
}
