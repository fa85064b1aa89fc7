import type { Context } from '../../../src/context.ts';
import type { KeyPair } from '../../../src/local/postgres/certificates.ts';
import { postgresMajors } from '../../../src/project/postgres-packages.ts';
import type { Bed, HookCall, HookReply } from '../bed.ts';
import {
  type DatabaseKind,
  type Described,
  describeDatabase,
  endpointsOf,
  groupsOf,
  readMasterPassword,
  readParameters,
} from './describe-database.ts';
import type { HostMap } from './host-map.ts';
import type { Identities } from './identities.ts';
import { claimLoopbackAddress, type LoopbackAddress, postgresPort } from './loopback-address.ts';
import { MasterRotations } from './master-rotations.ts';
import { RdsServer } from './rds-server.ts';
import { startTokenFront, type TokenFront } from './token-front.ts';

export interface DatabasesOptions {
  readonly context: Context;
  readonly bed: Bed;
  readonly authority: KeyPair;
  readonly hostMap: HostMap;
  readonly identities: Identities;
  readonly maxConnections: number;
  readonly now: () => Date;
}

/** The server of a DB instance or of a whole cluster. */
export interface Database {
  readonly id: string;
  readonly kind: DatabaseKind;
  readonly server: RdsServer;
  described: Described;
  /** Its endpoints: whoever writes and whoever only reads. */
  names: { writer: string[]; reader: string[] };
  /** Whether the Data API serves it. */
  httpEndpoint: boolean;
  /** Its security groups. */
  groups(): readonly string[];
  front?: TokenFront;
  reader?: { readonly address: LoopbackAddress; readonly front: TokenFront };
}

/**
 * Real servers for what RDS says that it has created, at the names that it answered. What it has no server for (another
 * engine, what was there before, what was restored) is left to the gate.
 */
export class Databases {
  static readonly hooks = {
    after: [
      'CreateDBInstance',
      'CreateDBInstanceReadReplica',
      'CreateDBCluster',
      'ModifyDBInstance',
      'ModifyDBCluster',
      'ModifyDBParameterGroup',
      'ModifyDBClusterParameterGroup',
      'RebootDBInstance',
      'StopDBInstance',
      'StartDBInstance',
      'StopDBCluster',
      'StartDBCluster',
      'DeleteDBInstance',
      'DeleteDBCluster',
      'DescribeDBInstances',
      'DescribeDBClusters',
    ].map((action) => `rds:${action}`),
    instead: ['rds:EnableHttpEndpoint', 'rds:DisableHttpEndpoint'],
  };
  readonly #options: DatabasesOptions;
  readonly #databases = new Map<string, Database>();
  /** Read replicas and cluster members: on whose server they are. */
  readonly #hosted = new Map<
    string,
    { readonly database: Database; readonly name: string; readonly reads: boolean }
  >();
  #last: Promise<void> = Promise.resolve();
  readonly #masters = new MasterRotations(() => this.#options.bed);
  /** Why tokens were refused, newest last: RDS tells nobody. */
  readonly refusals: string[] = [];

  constructor(options: DatabasesOptions) {
    this.#options = options;
  }

  find(kind: DatabaseKind, id: string): Database | undefined {
    const hosted = kind === 'instance' ? this.#hosted.get(id)?.database : undefined;
    return this.#databases.get(`${kind}:${id}`) ?? hosted;
  }

  all(): readonly Database[] {
    return [...this.#databases.values()];
  }

  /** Servers start side by side; what changes one waits for the change before. */
  async handle({ action, input, output }: HookCall): Promise<HookReply | undefined> {
    if (action === 'EnableHttpEndpoint' || action === 'DisableHttpEndpoint')
      return this.#switchHttp(action, input);
    const instance = String(input.DBInstanceIdentifier ?? '');
    const cluster = String(input.DBClusterIdentifier ?? '');
    if (action === 'CreateDBInstance' && cluster === '') await this.#create('instance', instance, input);
    else if (action === 'CreateDBCluster') await this.#create('cluster', cluster, input);
    else if (!action.startsWith('Describe')) {
      this.#last = this.#last.catch(() => {}).then(() => this.#handleNext(action, instance, cluster, input));
      await this.#last;
    }
    await this.#masters.follow(output);
    return output && { output: this.#withHttpEndpoint(output) };
  }

  /** moto knows the flag for the first Serverless alone, and neither of the two calls. */
  #switchHttp(action: string, { resourceArn: arn, ResourceArn = arn }: Record<string, unknown>): HookReply {
    const cluster = this.find('cluster', String(ResourceArn).split(':').at(-1) ?? '');
    if (cluster === undefined) {
      return { error: { code: 'ResourceNotFoundFault', message: `no cluster ${ResourceArn}`, status: 404 } };
    }
    cluster.httpEndpoint = action === 'EnableHttpEndpoint';
    return { output: { ResourceArn, HttpEndpointEnabled: cluster.httpEndpoint } };
  }

  #withHttpEndpoint(output: Record<string, unknown>): Record<string, unknown> {
    const mend = (cluster: Record<string, unknown>) => {
      const found = this.find('cluster', String(cluster.DBClusterIdentifier));
      return found === undefined ? cluster : { ...cluster, HttpEndpointEnabled: found.httpEndpoint };
    };
    const { DBCluster, DBClusters } = output;
    if (Array.isArray(DBClusters)) return { ...output, DBClusters: DBClusters.map(mend) };
    return DBCluster === undefined
      ? output
      : { ...output, DBCluster: mend(DBCluster as Record<string, unknown>) };
  }

  async #handleNext(
    action: string,
    instance: string,
    cluster: string,
    input: Record<string, unknown>,
  ): Promise<void> {
    const source = String(input.SourceDBInstanceIdentifier);
    switch (action) {
      case 'CreateDBInstance':
        await this.#host(instance, this.find('cluster', cluster));
        break;
      case 'CreateDBInstanceReadReplica':
        await this.#host(instance, this.find('instance', source), true);
        break;
      case 'DeleteDBInstance':
        if (this.#hosted.has(instance)) await this.#unhost(instance);
        else await this.#delete('instance', instance);
        break;
      case 'DeleteDBCluster':
        await this.#delete('cluster', cluster);
        break;
      case 'ModifyDBParameterGroup':
      case 'ModifyDBClusterParameterGroup':
        for (const database of this.all()) await this.#apply(database, {});
        break;
      default:
        await this.#change(
          action,
          this.find(cluster === '' ? 'instance' : 'cluster', cluster || instance),
          input,
        );
    }
  }

  /** Every name that leads somewhere, and the security groups in front of it. */
  endpoints(): { readonly name: string; readonly groups: readonly string[]; readonly isPublic: boolean }[] {
    return this.all().flatMap(({ described, names, groups }) => {
      const isPublic = described.PubliclyAccessible === true;
      return [...names.writer, ...names.reader].map((name) => ({ name, groups: groups(), isPublic }));
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.all().map((database) => this.#remove(database)));
  }

  kill(): void {
    for (const { server } of this.all()) server.kill();
  }

  async #create(kind: DatabaseKind, id: string, input: Record<string, unknown>): Promise<void> {
    const { context, authority, maxConnections } = this.#options;
    const described = await describeDatabase(this.#options.bed, kind, id);
    // Of other engines the bed knows no more than moto.
    if (!described.Engine.includes('postgres')) return;
    const wanted = Number.parseInt(described.EngineVersion, 10);
    const major = postgresMajors.find((known) => known === wanted);
    if (major === undefined) throw new Error(`the bed has no PostgreSQL ${described.EngineVersion}`);
    if (described.Port !== undefined && described.Port !== postgresPort)
      throw new Error(`the bed's databases listen on ${postgresPort}, not on ${described.Port}`);
    const password = await readMasterPassword(this.#options.bed, described, input);
    const databaseName = described.DBName ?? described.DatabaseName;
    const parameters = await readParameters(this.#options.bed, kind, described, maxConnections);
    const server = await RdsServer.create(context, {
      ...{ major, authority, ...parameters },
      names: endpointsOf(described),
      master: { user: described.MasterUsername, ...(password !== undefined && { password }) },
      ...(databaseName !== undefined && { databaseName }),
    });
    const writer = kind === 'instance' ? endpointsOf(described) : [];
    const names = { writer, reader: [] };
    const database: Database = {
      id,
      kind,
      server,
      described,
      names,
      httpEndpoint: input.EnableHttpEndpoint === true,
      groups: () => groupsOf(database.described),
    };
    this.#databases.set(`${kind}:${id}`, database);
    await this.#map(database);
  }

  /** A member of a cluster, or a read replica: the data is that of `database`, and so is the server. */
  async #host(instance: string, database: Database | undefined, reads = hasWriter(database)): Promise<void> {
    if (database === undefined) return;
    const { Endpoint } = await describeDatabase(this.#options.bed, 'instance', instance);
    if (typeof Endpoint !== 'object') throw new Error(`RDS gave ${instance} no endpoint`);
    this.#hosted.set(instance, { database, name: Endpoint.Address, reads });
    await this.#rename(database);
  }

  async #unhost(instance: string): Promise<void> {
    const hosted = this.#hosted.get(instance);
    this.#hosted.delete(instance);
    if (hosted !== undefined) await this.#rename(hosted.database);
  }

  async #rename(database: Database): Promise<void> {
    const former = [...database.names.writer, ...database.names.reader];
    const members = [...this.#hosted.values()].filter((hosted) => hosted.database === database);
    const readers = members.filter(({ reads }) => reads).map(({ name }) => name);
    const writers = members.filter(({ reads }) => !reads).map(({ name }) => name);
    const { Endpoint, ReaderEndpoint } = database.described;
    if (database.kind === 'instance') {
      database.names = { writer: endpointsOf(database.described), reader: readers };
    } else if (members.length === 0) {
      // A cluster without an instance has nobody who would answer.
      database.names = { writer: [], reader: [] };
    } else {
      const shared = ReaderEndpoint === undefined ? [] : [ReaderEndpoint];
      // With one instance alone the reader endpoint leads to the writer.
      const alone = readers.length === 0;
      database.names = {
        writer: [String(Endpoint), ...writers, ...(alone ? shared : [])],
        reader: alone ? [] : [...readers, ...shared],
      };
    }
    await database.server.reload({
      names: [...endpointsOf(database.described), ...members.map(({ name }) => name)],
    });
    await this.#map(database);
    // Only now: a name that stays is never without a place.
    const present = new Set([...database.names.writer, ...database.names.reader]);
    for (const name of former) if (!present.has(name)) this.#options.hostMap.delete(name);
  }

  async #change(
    action: string,
    database: Database | undefined,
    input: Record<string, unknown>,
  ): Promise<void> {
    if (database === undefined) return;
    const { server } = database;
    if (action.startsWith('Stop')) {
      await server.stop();
    } else if (action.startsWith('Start')) {
      await server.start();
    } else if (action.startsWith('Reboot')) {
      const parameters = await readParameters(
        this.#options.bed,
        database.kind,
        database.described,
        this.#options.maxConnections,
      );
      await server.restart(parameters);
    } else {
      await this.#apply(database, input);
    }
  }

  async #apply(database: Database, input: Record<string, unknown>): Promise<void> {
    const { server, kind, id } = database;
    database.described = await describeDatabase(this.#options.bed, kind, id);
    const { forceSsl } = await readParameters(
      this.#options.bed,
      kind,
      database.described,
      this.#options.maxConnections,
    );
    if (forceSsl !== server.options.forceSsl) await server.reload({ forceSsl });
    if (input.RotateMasterUserPassword) this.#masters.begin(database);
    const hasNewPassword = ['MasterUserPassword', 'ManageMasterUserPassword'].some((member) =>
      Boolean(input[member]),
    );
    if (hasNewPassword && server.running) {
      const password = await readMasterPassword(this.#options.bed, database.described, input);
      if (password !== undefined) await server.setPassword(database.described.MasterUsername, password);
    }
    await this.#map(database);
  }

  async #delete(kind: DatabaseKind, id: string): Promise<void> {
    const database = this.find(kind, id);
    if (database === undefined) return;
    this.#databases.delete(`${kind}:${id}`);
    await this.#remove(database);
  }

  async #remove(database: Database): Promise<void> {
    for (const name of [...database.names.writer, ...database.names.reader])
      this.#options.hostMap.delete(name);
    database.front?.stop();
    database.reader?.front.stop();
    database.reader?.address.release();
    await database.server.remove();
  }

  /** Writers reach the server itself, or the front that verifies tokens where RDS is to verify them. */
  async #map(database: Database): Promise<void> {
    const { server, described, names } = database;
    const { hostMap } = this.#options;
    const verifies = described.IAMDatabaseAuthenticationEnabled === true;
    if (verifies) database.front ??= await this.#front(database, server.frontAddress.host, false);
    const place = verifies ? server.frontAddress : server.address;
    for (const name of names.writer) hostMap.set(name, place.host, postgresPort);
    if (names.reader.length === 0) return;
    if (database.reader === undefined) {
      const address = await claimLoopbackAddress();
      database.reader = { address, front: await this.#front(database, address.host, true) };
    }
    for (const name of names.reader) hostMap.set(name, database.reader.address.host, postgresPort);
  }

  #front(database: Database, host: string, readOnly: boolean): Promise<TokenFront> {
    return startTokenFront({
      ...{ server: database.server, host, port: postgresPort, readOnly },
      verifyToken: (user, token) => this.#verify(database, user, token),
      onRefused: (user, reason) => this.refusals.push(`${database.id}: ${user}: ${reason}`),
    });
  }

  async #verify(database: Database, user: string, token: string): Promise<string | undefined> {
    const { identities, now } = this.#options;
    const { described, names } = database;
    if (described.IAMDatabaseAuthenticationEnabled !== true) return 'IAM authentication is off';
    return identities.verifyToken(token, {
      ...{ user, hosts: [...names.writer, ...names.reader], now: now() },
      resourceId: described.DbClusterResourceId ?? described.DbiResourceId ?? '',
    });
  }
}

function hasWriter(database: Database | undefined): boolean {
  return database !== undefined && database.names.writer.length > 0;
}
