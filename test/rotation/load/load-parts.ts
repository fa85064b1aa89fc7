import type { OpenDatabase } from '../../../src/database/open-database.ts';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import {
  type Endpoint,
  type OpenRotationDatabase,
  openRotationDatabase,
} from '../../../src/rotation/database.ts';
import type { Consumer, RotationParts } from '../../../src/rotation/parts.ts';
import { testContext } from '../../postgres-server.ts';
import type { LoadWorld } from './load-world.ts';

export interface LoadParts {
  readonly world: LoadWorld;
  readonly parts: RotationParts;
  readonly database: OpenRotationDatabase;
}

/** What a rotation of this world is carried out on. @param readers replicas, beside the writer */
export function loadParts(
  world: LoadWorld,
  consumers: readonly Consumer[],
  readers: readonly ConnectionTarget[] = [],
): LoadParts {
  const { local, secret, proxy } = world;
  const open: OpenDatabase = {
    ...{ admin: local.admin, app: local.slots.a, ownerRole: 'library_owner' },
    run: (job, target, input) => job.work(testContext(), target, input),
    dial: async (target) => target,
  };
  const endpoint = (name: string, { host, port, database, tls }: ConnectionTarget): Endpoint => ({
    title: `${name} ${host}:${port}`,
    target: { host, port, database, tls },
  });
  const id = 'library-load';
  const database = openRotationDatabase(testContext(), open, {
    ...{ id, expectedRole: 'library_app' },
    endpoints: [endpoint('writer', local.admin), ...readers.map((reader) => endpoint('reader', reader))],
    proxyEndpoints: proxy === undefined ? [] : [endpoint('proxy', proxy.target)],
  });
  const slots = { a: local.slots.a.user, b: local.slots.b.user };
  const slotStores = proxy && { slotStores: proxy.slotStores };
  return { world, database, parts: { id, store: secret, slots, database, consumers, ...slotStores } };
}
