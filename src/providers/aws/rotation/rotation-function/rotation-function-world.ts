import type { Context } from '../../../../context.ts';
import type { OpenDatabase } from '../../../../database/open-database.ts';
import type { ConnectionTarget } from '../../../../database/target.ts';
import { type OpenRotationDatabase, openRotationDatabase } from '../../../../rotation/database.ts';
import type { RotationParts } from '../../../../rotation/parts.ts';
import { storeOf } from '../store/store.ts';
import type { PlaceSetting, RotationSettings } from './rotation-function-settings.ts';
import {
  type FunctionSecret,
  functionSecret,
  functionSlotStore,
  readAdminLogin,
} from './rotation-function-store.ts';

export interface RotationWorld {
  readonly secret: FunctionSecret;
  readonly database: OpenRotationDatabase;
  readonly parts: RotationParts;
}

/** A run that died in the middle of a step is gone from the lease after a minute. Milliseconds. */
const leasePatienceMs = 75_000;

/** The rotation as the function sees it: one secret, and the database directly. Nobody holds a copy. */
export async function openWorldOf(
  context: Context,
  settings: RotationSettings,
  rotationToken: string | undefined,
  ca: string,
): Promise<RotationWorld> {
  const { env } = context;
  const secret = functionSecret(env, settings.secret, rotationToken);
  const { slots, slotSecrets, endpoints, proxyEndpoints } = settings;
  const places = endpoints.map((place) => endpointOf(place, settings.database, { ca }));
  const database = openRotationDatabase(context, await openDirectly(context, settings, ca), {
    id: settings.id,
    endpoints: places,
    // A proxy's certificate is publicly signed.
    proxyEndpoints: proxyEndpoints.map((place) => endpointOf(place, settings.database, {})),
    expectedRole: settings.appRole,
    times: { patienceMs: leasePatienceMs },
  });
  const parts: RotationParts = {
    ...{ id: settings.id, slots, database, consumers: [] },
    store: storeOf(secret, settings.secret),
    ...(slotSecrets !== undefined && {
      slotStores: [
        functionSlotStore(env, slotSecrets.a, slots.a),
        functionSlotStore(env, slotSecrets.b, slots.b),
      ],
    }),
  };
  return { secret, database, parts };
}

async function openDirectly(
  context: Context,
  { adminSecret, endpoints, database, ownerRole }: RotationSettings,
  ca: string,
): Promise<OpenDatabase> {
  const [writer] = endpoints;
  if (writer === undefined) throw new Error('settings without an endpoint');
  const { user } = await readAdminLogin(context.env, adminSecret);
  const admin: ConnectionTarget = {
    ...{ host: writer.host, port: writer.port, database, user, tls: { ca } },
    // Read anew for each connection: RDS rotates it, too.
    password: async () => (await readAdminLogin(context.env, adminSecret)).password,
  };
  return {
    ...{ admin, app: admin, ownerRole },
    run: (job, target, input) => job.work(context, target, input),
    dial: async (target) => target,
  };
}

const endpointOf = (
  { title, host, port }: PlaceSetting,
  database: string,
  tls: Exclude<ConnectionTarget['tls'], false>,
) => ({ title, target: { host, port, database, tls } });
