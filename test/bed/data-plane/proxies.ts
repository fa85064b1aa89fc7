import { Signer } from '@aws-sdk/rds-signer';
import type { Context } from '../../../src/context.ts';
import { withClient } from '../../../src/database/with-client.ts';
import { errorMessage } from '../../../src/errors.ts';
import { createServerCertificate, type KeyPair } from '../../../src/local/postgres/certificates.ts';
import {
  type LocalProxy,
  type ProxyCredentials,
  startLocalProxy,
} from '../../../src/local/proxy/local-proxy.ts';
import { Secret } from '../../../src/secret.ts';
import type { Bed, HookCall, HookReply } from '../bed.ts';
import type { Database, Databases } from './databases.ts';
import type { HostMap } from './host-map.ts';
import type { Identities } from './identities.ts';
import { claimLoopbackAddress, type LoopbackAddress, postgresPort } from './loopback-address.ts';
import { findReachable } from './network.ts';
import { verifyRdsToken } from './rds-token.ts';

export interface ProxiesOptions {
  readonly context: Context;
  readonly bed: Bed;
  /** Stands for the public authority that signs a proxy's certificate. */
  readonly authority: KeyPair;
  readonly hostMap: HostMap;
  readonly identities: Identities;
  readonly databases: Databases;
  readonly checksNetwork: boolean;
  readonly now: () => Date;
}

interface Auth {
  readonly AuthScheme?: string;
  readonly SecretArn?: string;
  readonly IAMAuth?: 'DISABLED' | 'REQUIRED' | 'ENABLED';
}

/** What the calls of the account have set. */
interface Settings {
  readonly Auth?: readonly Auth[];
  readonly DefaultAuthScheme?: string;
  readonly RoleArn: string;
  readonly RequireTLS?: boolean;
  readonly IdleClientTimeout?: number;
  readonly VpcSecurityGroupIds?: readonly string[];
}

interface PoolConfig {
  readonly MaxConnectionsPercent?: number;
  readonly MaxIdleConnectionsPercent?: number;
  readonly ConnectionBorrowTimeout?: number;
  readonly InitQuery?: string;
}

interface Endpoint {
  readonly name: string;
  readonly reads: boolean;
  readonly groups: readonly string[] | undefined;
  readonly address: LoopbackAddress;
  running?: LocalProxy;
}

interface Proxy {
  readonly name: string;
  /** `prx-…`, by which policies name it. */
  readonly resourceId: string;
  settings: Settings;
  pool: PoolConfig;
  target?: { readonly kind: Database['kind']; readonly id: string };
  readonly endpoints: Map<string, Endpoint>;
}

interface Held {
  readonly user: string;
  readonly password: Secret;
}

const own = 'default';

/** lambdapg's local proxy for every RDS Proxy of the account, at its name. */
export class Proxies {
  static readonly hooks = [
    'CreateDBProxy',
    'ModifyDBProxy',
    'DeleteDBProxy',
    'ModifyDBProxyTargetGroup',
    'RegisterDBProxyTargets',
    'DeregisterDBProxyTargets',
    'DescribeDBProxyTargets',
    'CreateDBProxyEndpoint',
    'DeleteDBProxyEndpoint',
  ].map((action) => `rds:${action}`);
  readonly #options: ProxiesOptions;
  readonly #proxies = new Map<string, Proxy>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ProxiesOptions) {
    this.#options = options;
  }

  /** One call after the other, in the order in which they come. */
  handle(call: HookCall): Promise<HookReply | undefined> {
    const handled = this.#last.catch(() => {}).then(() => this.#handleNext(call));
    this.#last = handled;
    return handled;
  }

  endpoints(): { readonly name: string; readonly groups: readonly string[] }[] {
    return [...this.#proxies.values()].flatMap(({ endpoints, settings }) =>
      [...endpoints.values()]
        .filter(({ running }) => running !== undefined)
        .map(({ name, groups }) => ({ name, groups: groups ?? settings.VpcSecurityGroupIds ?? [] })),
    );
  }

  /** Of the proxy's own endpoint, for tests. */
  find(name: string): LocalProxy | undefined {
    return this.#proxies.get(name)?.endpoints.get(own)?.running;
  }

  async stop(): Promise<void> {
    for (const proxy of this.#proxies.values()) await this.#removeAll(proxy);
  }

  async #handleNext({ action, input, output = {} }: HookCall): Promise<HookReply | undefined> {
    if (action === 'CreateDBProxy') {
      await this.#create(String(input.DBProxyName), input as unknown as Settings);
      return undefined;
    }
    if (action === 'DeleteDBProxyEndpoint') {
      for (const proxy of this.#proxies.values())
        await this.#remove(proxy, String(input.DBProxyEndpointName));
      return undefined;
    }
    const proxy = this.#proxies.get(String(input.DBProxyName));
    if (proxy === undefined) return undefined;
    switch (action) {
      case 'ModifyDBProxy':
        proxy.settings = modified(proxy.settings, input);
        break;
      case 'ModifyDBProxyTargetGroup':
        proxy.pool = { ...proxy.pool, ...(input.ConnectionPoolConfig as PoolConfig | undefined) };
        break;
      case 'RegisterDBProxyTargets':
        proxy.target = targetOf(input);
        break;
      case 'DeregisterDBProxyTargets':
        delete proxy.target;
        break;
      case 'CreateDBProxyEndpoint':
        await this.#addEndpoint(proxy, input, output.DBProxyEndpoint as { readonly Endpoint?: string });
        break;
      case 'DeleteDBProxy':
        this.#proxies.delete(proxy.name);
        await this.#removeAll(proxy);
        return undefined;
      default:
        return { output: { ...output, Targets: await this.#withHealth(proxy, output.Targets) } };
    }
    await this.#restart(proxy);
    return undefined;
  }

  async #create(name: string, settings: Settings): Promise<void> {
    const { DBProxies } = await this.#options.bed.aws<{
      DBProxies: { Endpoint: string; DBProxyArn: string }[];
    }>({
      ...{ service: 'rds', action: 'DescribeDBProxies', input: { DBProxyName: name } },
    });
    const [described] = DBProxies;
    if (described === undefined) throw new Error(`RDS does not describe the proxy ${name}`);
    const address = await claimLoopbackAddress();
    const endpoint: Endpoint = { name: described.Endpoint, reads: false, groups: undefined, address };
    const resourceId = described.DBProxyArn.split(':').at(-1) ?? '';
    this.#proxies.set(name, { name, resourceId, settings, pool: {}, endpoints: new Map([[own, endpoint]]) });
  }

  async #addEndpoint(
    proxy: Proxy,
    input: Record<string, unknown>,
    described: { readonly Endpoint?: string },
  ): Promise<void> {
    if (described.Endpoint === undefined) throw new Error('RDS gave the proxy endpoint no name');
    proxy.endpoints.set(String(input.DBProxyEndpointName), {
      name: described.Endpoint,
      reads: input.TargetRole === 'READ_ONLY',
      groups: input.VpcSecurityGroupIds as readonly string[] | undefined,
      address: await claimLoopbackAddress(),
    });
  }

  async #removeAll(proxy: Proxy): Promise<void> {
    for (const id of [...proxy.endpoints.keys()]) await this.#remove(proxy, id);
  }

  async #remove(proxy: Proxy, id: string): Promise<void> {
    const endpoint = proxy.endpoints.get(id);
    if (endpoint === undefined) return;
    proxy.endpoints.delete(id);
    await this.#stopEndpoint(endpoint);
    endpoint.address.release();
  }

  async #stopEndpoint(endpoint: Endpoint): Promise<void> {
    this.#options.hostMap.delete(endpoint.name);
    await endpoint.running?.stop();
    delete endpoint.running;
  }

  async #restart(proxy: Proxy): Promise<void> {
    for (const endpoint of proxy.endpoints.values()) {
      await this.#stopEndpoint(endpoint);
      const database = this.#database(proxy);
      const name = database?.names[endpoint.reads ? 'reader' : 'writer'][0];
      if (database === undefined || name === undefined) continue;
      endpoint.running = await this.#start(proxy, endpoint, database, name);
      this.#options.hostMap.set(endpoint.name, endpoint.address.host, postgresPort);
    }
  }

  #database({ target }: Proxy): Database | undefined {
    return target && this.#options.databases.find(target.kind, target.id);
  }

  async #start(proxy: Proxy, endpoint: Endpoint, database: Database, name: string): Promise<LocalProxy> {
    const { context, authority, hostMap } = this.#options;
    const place = hostMap.get(name);
    if (place === undefined) throw new Error(`nothing is at ${name}`);
    const { settings, pool } = proxy;
    const most = database.server.options.maxConnections;
    const share = (percent: number) => Math.max(1, Math.floor((most * percent) / 100));
    const percent = pool.MaxConnectionsPercent ?? 100;
    return startLocalProxy(context, {
      ...{ host: endpoint.address.host, port: postgresPort },
      target: { ...place, tls: { ca: authority.certificate, name } },
      tls: {
        ...(await createServerCertificate(authority, [endpoint.name])),
        required: settings.RequireTLS === true,
      },
      credentials: (user) => this.#credentials(proxy, endpoint, name, user),
      maxConnections: share(percent),
      maxIdleConnections: share(pool.MaxIdleConnectionsPercent ?? percent / 2),
      borrowTimeoutMs: (pool.ConnectionBorrowTimeout ?? 120) * 1000,
      idleClientTimeoutMs: (settings.IdleClientTimeout ?? 1800) * 1000,
      ...(pool.InitQuery !== undefined && { initQuery: pool.InitQuery }),
    });
  }

  async #credentials(
    proxy: Proxy,
    endpoint: Endpoint,
    databaseName: string,
    user: string,
  ): Promise<ProxyCredentials | undefined> {
    const verifyToken = (token: Secret) => this.#verify(proxy, endpoint, user, token);
    for (const auth of proxy.settings.Auth ?? []) {
      const held = await this.#readSecret(proxy, auth).catch(() => undefined);
      if (held?.user !== user) continue;
      const { password } = held;
      return auth.IAMAuth === 'REQUIRED' ? { verifyToken, password } : { password };
    }
    if (proxy.settings.DefaultAuthScheme !== 'IAM_AUTH') return undefined;
    // End to end: the proxy logs in by a token of its own role.
    return { verifyToken, password: () => this.#token(proxy, databaseName, user) };
  }

  async #verify(proxy: Proxy, endpoint: Endpoint, user: string, token: Secret): Promise<string | undefined> {
    const { bed, identities, now } = this.#options;
    const verdict = await verifyRdsToken(token.reveal(), {
      ...{ hosts: [endpoint.name], port: postgresPort, user, region: bed.region, now: now() },
      findSigner: async (key) => identities.findSigner(key),
    });
    if ('refused' in verdict) return verdict.refused;
    const arn = `arn:aws:rds-db:${bed.region}:${bed.account}:dbuser:${proxy.resourceId}/${user}`;
    const may = await identities.mayDo(verdict.signer.arn, 'rds-db:connect', arn);
    return may ? undefined : `${verdict.signer.arn} may not rds-db:connect on ${arn}`;
  }

  async #token(proxy: Proxy, hostname: string, username: string): Promise<Secret> {
    const { bed, identities } = this.#options;
    const credentials = identities.assume(proxy.settings.RoleArn);
    const signer = new Signer({ hostname, port: postgresPort, username, region: bed.region, credentials });
    return new Secret(await signer.getAuthToken());
  }

  /** With the rights of the proxy's role. @throws Error with what RDS would call an authentication failure */
  async #readSecret(proxy: Proxy, { SecretArn }: Auth): Promise<Held> {
    const { bed, identities } = this.#options;
    if (SecretArn === undefined) throw new Error('no secret is named');
    const { RoleArn } = proxy.settings;
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
  async #withHealth(proxy: Proxy, targets: unknown): Promise<unknown> {
    if (!Array.isArray(targets)) return targets;
    const unavailable = await this.#findFault(proxy);
    return (targets as readonly { readonly TargetHealth?: { readonly State?: string } }[]).map((target) =>
      target.TargetHealth?.State === 'AVAILABLE' && unavailable !== undefined
        ? { ...target, TargetHealth: { State: 'UNAVAILABLE', ...unavailable } }
        : target,
    );
  }

  async #findFault(proxy: Proxy): Promise<{ Reason: string; Description: string } | undefined> {
    const { bed, checksNetwork } = this.#options;
    const database = this.#database(proxy);
    if (database === undefined) return undefined;
    if (checksNetwork) {
      const groups = proxy.settings.VpcSecurityGroupIds ?? [];
      const target = { groups: database.groups() };
      if (!(await findReachable(bed, { groups }, [target])).has(target))
        return { Reason: 'UNREACHABLE', Description: 'security groups keep the proxy from the target' };
    }
    const { Auth: auths = [], DefaultAuthScheme } = proxy.settings;
    if (auths.length === 0 && DefaultAuthScheme === 'IAM_AUTH') {
      return database.server.running
        ? undefined
        : { Reason: 'CONNECTION_FAILED', Description: 'the target is stopped' };
    }
    let Description = 'Proxy does not have any registered credentials';
    for (const auth of auths) {
      try {
        await this.#logIn(database, await this.#readSecret(proxy, auth));
        return undefined;
      } catch (error) {
        Description = errorMessage(error);
        if (/ECONNREFUSED/.test(Description)) return { Reason: 'CONNECTION_FAILED', Description };
      }
    }
    return { Reason: 'AUTH_FAILURE', Description };
  }

  async #logIn(database: Database, { user, password }: Held): Promise<void> {
    const { authority, hostMap } = this.#options;
    const name = database.names.writer[0] ?? '';
    const place = hostMap.get(name);
    if (place === undefined) throw new Error('ECONNREFUSED');
    const tls = { ca: authority.certificate, name };
    const target = { ...place, database: 'postgres', user, password, tls };
    await withClient(target, { applicationName: 'rds_proxy_health' }, (client) => client.query('SELECT 1'));
  }
}

function modified(settings: Settings, input: Record<string, unknown>): Settings {
  const { SecurityGroups, ...rest } = input as Partial<Settings> & {
    readonly SecurityGroups?: readonly string[];
  };
  return { ...settings, ...rest, ...(SecurityGroups && { VpcSecurityGroupIds: SecurityGroups }) };
}

function targetOf(input: Record<string, unknown>): { kind: Database['kind']; id: string } {
  const [instance] = (input.DBInstanceIdentifiers ?? []) as string[];
  const [cluster] = (input.DBClusterIdentifiers ?? []) as string[];
  if (instance !== undefined) return { kind: 'instance', id: instance };
  if (cluster !== undefined) return { kind: 'cluster', id: cluster };
  throw new Error('a registration without a target');
}
