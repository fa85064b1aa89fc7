import { withClient } from '../../../src/database/with-client.ts';
import { errorMessage } from '../../../src/errors.ts';
import type { KeyPair } from '../../../src/local/postgres/certificates.ts';
import { Secret } from '../../../src/secret.ts';
import type { Bed } from '../bed.ts';
import type { Database } from './databases.ts';
import type { HostMap } from './host-map.ts';
import type { Identities } from './identities.ts';
import { findReachable } from './network.ts';

/** What a proxy reaches. */
export interface ProxyWorld {
  readonly bed: Bed;
  /** Stands for the public authority that signs a proxy's certificate. */
  readonly authority: KeyPair;
  readonly hostMap: HostMap;
  readonly identities: Identities;
  readonly checksNetwork: boolean;
}

export interface Auth {
  readonly AuthScheme?: string;
  readonly SecretArn?: string;
  readonly IAMAuth?: 'DISABLED' | 'REQUIRED' | 'ENABLED';
}

/** What the calls of the account have set. */
export interface ProxySettings {
  readonly Auth?: readonly Auth[];
  readonly DefaultAuthScheme?: string;
  readonly RoleArn: string;
  readonly RequireTLS?: boolean;
  readonly IdleClientTimeout?: number;
  readonly VpcSecurityGroupIds?: readonly string[];
}

export interface Held {
  readonly user: string;
  readonly password: Secret;
}

/** With the rights of the proxy's role. @throws Error with what RDS would call an authentication failure */
export async function readProxySecret(
  { bed, identities }: ProxyWorld,
  { RoleArn }: ProxySettings,
  { SecretArn }: Auth,
): Promise<Held> {
  if (SecretArn === undefined) throw new Error('no secret is named');
  if (!(await identities.mayDo(RoleArn, 'secretsmanager:GetSecretValue', SecretArn)))
    throw new Error(`${RoleArn} may not read ${SecretArn}`);
  const { SecretString } = await bed.aws<{ SecretString?: string }>({
    ...{ service: 'secretsmanager', action: 'GetSecretValue' },
    input: { SecretId: SecretArn, VersionStage: 'AWSCURRENT' },
  });
  const { username, password } = JSON.parse(SecretString ?? '{}') as Record<string, unknown>;
  if (typeof username !== 'string' || typeof password !== 'string')
    throw new Error(`${SecretArn} holds no username and password`);
  return { user: username, password: new Secret(password) };
}

/** What the gate calls available is so only when a real login works. */
export async function withHealth(
  world: ProxyWorld,
  settings: ProxySettings,
  database: Database | undefined,
  targets: unknown,
): Promise<unknown> {
  if (!Array.isArray(targets) || database === undefined) return targets;
  const unavailable = await findFault(world, settings, database);
  return (targets as readonly { readonly TargetHealth?: { readonly State?: string } }[]).map((target) =>
    target.TargetHealth?.State === 'AVAILABLE' && unavailable !== undefined
      ? { ...target, TargetHealth: { State: 'UNAVAILABLE', ...unavailable } }
      : target,
  );
}

async function findFault(
  world: ProxyWorld,
  settings: ProxySettings,
  database: Database,
): Promise<{ Reason: string; Description: string } | undefined> {
  if (world.checksNetwork) {
    const groups = settings.VpcSecurityGroupIds ?? [];
    const target = { groups: database.groups() };
    if (!(await findReachable(world.bed, { groups }, [target])).has(target))
      return { Reason: 'UNREACHABLE', Description: 'security groups keep the proxy from the target' };
  }
  const { Auth: auths = [], DefaultAuthScheme } = settings;
  if (auths.length === 0 && DefaultAuthScheme === 'IAM_AUTH') {
    return database.server.running
      ? undefined
      : { Reason: 'CONNECTION_FAILED', Description: 'the target is stopped' };
  }
  let Description = 'Proxy does not have any registered credentials';
  for (const auth of auths) {
    try {
      await logIn(world, database, await readProxySecret(world, settings, auth));
      return undefined;
    } catch (error) {
      Description = errorMessage(error);
      if (/ECONNREFUSED/.test(Description)) return { Reason: 'CONNECTION_FAILED', Description };
    }
  }
  return { Reason: 'AUTH_FAILURE', Description };
}

async function logIn(
  { authority, hostMap }: ProxyWorld,
  database: Database,
  { user, password }: Held,
): Promise<void> {
  const name = database.names.writer[0] ?? '';
  const place = hostMap.get(name);
  if (place === undefined) throw new Error('ECONNREFUSED');
  const tls = { ca: authority.certificate, name };
  const target = { ...place, database: 'postgres', user, password, tls };
  await withClient(target, { applicationName: 'rds_proxy_health' }, (client) => client.query('SELECT 1'));
}
