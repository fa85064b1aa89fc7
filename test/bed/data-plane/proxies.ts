import { Signer } from '@aws-sdk/rds-signer';
import type { Context } from '../../../src/context.ts';
import { createServerCertificate } from '../../../src/local/postgres/certificates.ts';
import {
  type LocalProxy,
  type ProxyCredentials,
  startLocalProxy,
} from '../../../src/local/proxy/local-proxy.ts';
import { Secret } from '../../../src/secret.ts';
import type { HookCall, HookReply } from '../bed.ts';
import type { Database, Databases } from './databases.ts';
import { claimLoopbackAddress, type LoopbackAddress, postgresPort } from './loopback-address.ts';
import { type ProxySettings, type ProxyWorld, readProxySecret, withHealth } from './proxy-health.ts';
import { SecretMemory } from './secret-memory.ts';

export interface ProxiesOptions extends ProxyWorld {
  readonly context: Context;
  readonly databases: Databases;
  readonly now: () => Date;
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
  /** What it leads to. */
  target?: string | undefined;
}

interface Proxy {
  readonly name: string;
  /** `prx-…`, by which policies name it. */
  readonly resourceId: string;
  settings: ProxySettings;
  pool: PoolConfig;
  target?: { readonly kind: Database['kind']; readonly id: string };
  readonly endpoints: Map<string, Endpoint>;
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
  /** How long the proxies go on with a value that they have read; by default they read at each new connection. */
  readonly secretMemory = new SecretMemory();

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
      await this.#create(String(input.DBProxyName), input as unknown as ProxySettings);
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
      default: {
        const database = this.#database(proxy);
        const Targets = await withHealth(this.#options, proxy.settings, database, output.Targets);
        return { output: { ...output, Targets } };
      }
    }
    await this.#restart(proxy);
    return undefined;
  }

  async #create(name: string, settings: ProxySettings): Promise<void> {
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

  /** Starts anew what leads elsewhere by now: IAM was switched on, a reader came, the target is gone. */
  follow(): Promise<void> {
    const followed = this.#last
      .catch(() => {})
      .then(async () => {
        for (const proxy of this.#proxies.values()) await this.#restart(proxy, true);
      });
    this.#last = followed;
    return followed;
  }

  async #restart(proxy: Proxy, onlyMoved = false): Promise<void> {
    const { hostMap } = this.#options;
    const database = this.#database(proxy);
    for (const endpoint of proxy.endpoints.values()) {
      const name = database?.names[endpoint.reads ? 'reader' : 'writer'][0];
      const target = name === undefined ? undefined : `${name} at ${hostMap.get(name)?.host}`;
      if (onlyMoved && target === endpoint.target) continue;
      await this.#stopEndpoint(endpoint);
      endpoint.target = target;
      if (database === undefined || name === undefined) continue;
      endpoint.running = await this.#start(proxy, endpoint, database, name);
      hostMap.set(endpoint.name, endpoint.address.host, postgresPort);
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
    const { identities, now } = this.#options;
    const verifyToken = (token: Secret) =>
      identities.verifyToken(token.reveal(), {
        ...{ user, hosts: [endpoint.name], now: now(), resourceId: proxy.resourceId },
      });
    for (const auth of proxy.settings.Auth ?? []) {
      const read = () => readProxySecret(this.#options, proxy.settings, auth).catch(() => undefined);
      const held = await this.secretMemory.recall(`${proxy.name} ${auth.SecretArn}`, read);
      if (held?.user !== user) continue;
      const { password } = held;
      return auth.IAMAuth === 'REQUIRED' ? { verifyToken, password } : { password };
    }
    if (proxy.settings.DefaultAuthScheme !== 'IAM_AUTH') return undefined;
    // End to end: the proxy logs in by a token of its own role.
    return { verifyToken, password: () => this.#token(proxy, databaseName, user) };
  }

  async #token(proxy: Proxy, hostname: string, username: string): Promise<Secret> {
    const { bed, identities } = this.#options;
    const credentials = identities.assume(proxy.settings.RoleArn);
    const signer = new Signer({ hostname, port: postgresPort, username, region: bed.region, credentials });
    return new Secret(await signer.getAuthToken());
  }
}

function modified(settings: ProxySettings, input: Record<string, unknown>): ProxySettings {
  const { SecurityGroups, ...rest } = input as Partial<ProxySettings> & {
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
