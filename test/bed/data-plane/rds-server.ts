import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../../src/context.ts';
import { quoteIdentifier, quoteLiteral } from '../../../src/database/identifier.ts';
import { scramVerifier } from '../../../src/database/scram.ts';
import { type Client, withClient } from '../../../src/database/with-client.ts';
import { createServerCertificate, type KeyPair } from '../../../src/local/postgres/certificates.ts';
import { pathsIn } from '../../../src/local/postgres/cluster-paths.ts';
import type { PostgresMajor } from '../../../src/project/postgres-packages.ts';
import type { Secret } from '../../../src/secret.ts';
import { endAbandonedServers, markOwner, serverPrefix } from './abandoned.ts';
import { type LaunchedServer, launchOn, type ServerFiles } from './launch.ts';
import { claimLoopbackAddress, type LoopbackAddress, postgresPort } from './loopback-address.ts';
import { copyData, makeRdsCluster, rdsAdmin, trustedTarget } from './rds-cluster.ts';

export interface RdsServerOptions {
  readonly major: PostgresMajor;
  /** The names that its certificate is for. */
  readonly names: readonly string[];
  /** Signs that certificate: the bed's stand-in for RDS's own authority. */
  readonly authority: KeyPair;
  readonly maxConnections: number;
  readonly forceSsl: boolean;
  /** Without a password it is a member of rds_iam (`MasterUserAuthenticationType=iam-db-auth`). */
  readonly master: { readonly user: string; readonly password?: Secret };
  readonly databaseName?: string;
}

/**
 * A real PostgreSQL as RDS sets one up: its own address and port 5432, TLS with a certificate for its RDS names, RDS's
 * roles, a master who is no superuser.
 */
export class RdsServer {
  readonly address: LoopbackAddress;
  /** Where the front that verifies IAM tokens listens; the server accepts plain, password-checked sessions from it. */
  readonly frontAddress: LoopbackAddress;
  readonly #context: Context;
  readonly #files: ServerFiles;
  #options: RdsServerOptions;
  #certificate: KeyPair | undefined;
  #running: LaunchedServer | undefined;

  private constructor(
    context: Context,
    options: RdsServerOptions,
    files: ServerFiles,
    addresses: readonly [LoopbackAddress, LoopbackAddress],
  ) {
    this.#context = context;
    this.#options = options;
    this.#files = files;
    [this.address, this.frontAddress] = addresses;
  }

  static async create(context: Context, options: RdsServerOptions): Promise<RdsServer> {
    await endAbandonedServers();
    const dir = await mkdtemp(join(tmpdir(), serverPrefix));
    await markOwner(dir);
    const files: ServerFiles = { ...pathsIn(dir), socketDir: join(dir, 's') };
    await mkdir(files.socketDir, { mode: 0o700 });
    await copyData(await makeRdsCluster(context, options.major), files.dataDir);
    const addresses = [await claimLoopbackAddress(), await claimLoopbackAddress()] as const;
    const server = new RdsServer(context, options, files, addresses);
    try {
      await server.start();
      await server.#createMaster();
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  get options(): RdsServerOptions {
    return this.#options;
  }

  /** What a front needs to present the same names. */
  get certificate(): KeyPair {
    if (this.#certificate === undefined) throw new Error('the server was never started');
    return this.#certificate;
  }

  get socketDir(): string {
    return this.#files.socketDir;
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    await this.#writeCertificate();
    await this.#writeHostRules();
    const { major, maxConnections, forceSsl } = this.#options;
    this.#running = await launchOn(this.#context, major, this.#files, {
      listen_addresses: this.address.host,
      port: String(postgresPort),
      unix_socket_directories: this.#files.socketDir,
      ssl: 'on',
      ssl_cert_file: 'server.crt',
      ssl_key_file: 'server.key',
      shared_preload_libraries: 'pg_stat_statements',
      max_connections: String(maxConnections),
      timezone: 'UTC',
      log_line_prefix: '%m [%p] %q%u@%d %a ',
      'rds.force_ssl': forceSsl ? 'on' : 'off',
      fsync: 'off',
    });
  }

  /** The address stays claimed, as the name stays. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
  }

  /** For what only a restart applies, such as max_connections. */
  async restart(change: Partial<RdsServerOptions> = {}): Promise<void> {
    await this.stop();
    this.#options = { ...this.#options, ...change };
    await this.start();
  }

  /** For what RDS applies to a running server. */
  async reload(change: Partial<Pick<RdsServerOptions, 'names' | 'forceSsl'>>): Promise<void> {
    this.#options = { ...this.#options, ...change };
    await this.#writeCertificate();
    await this.#writeHostRules();
    if (this.running) await this.asAdmin((client) => client.query('SELECT pg_reload_conf()'));
  }

  async setPassword(user: string, password: Secret): Promise<void> {
    const verifier = quoteLiteral(scramVerifier(password));
    await this.asAdmin((client) => client.query(`ALTER ROLE ${quoteIdentifier(user)} PASSWORD ${verifier}`));
  }

  /** Lends a session of rdsadmin. */
  asAdmin<T>(work: (client: Client) => Promise<T>, database = 'postgres'): Promise<T> {
    const target = trustedTarget(this.#files.socketDir, rdsAdmin, database);
    return withClient(target, { applicationName: rdsAdmin }, work);
  }

  /** Whether RDS would ask that user for a token: a member of rds_iam by more than the right to grant it. */
  isIamUser(user: string): Promise<boolean> {
    const means = this.#options.major >= 16 ? ['USAGE', 'SET'] : ['MEMBER'];
    return this.asAdmin(async (client) => {
      const { rowCount } = await client.query({
        text: `SELECT 1 FROM pg_roles, unnest($2::text[]) AS means
               WHERE rolname = $1 AND NOT rolsuper AND pg_has_role(oid, 'rds_iam', means)`,
        values: [user, means],
      });
      return rowCount !== 0;
    });
  }

  async remove(): Promise<void> {
    await this.stop();
    this.#release();
    await rm(this.#files.clusterDir, { recursive: true, force: true });
  }

  /** Synchronous, for the end of a test process. */
  kill(): void {
    this.#running?.kill();
    this.#release();
    rmSync(this.#files.clusterDir, { recursive: true, force: true });
  }

  readLog(): Promise<string> {
    return readFile(this.#files.logFile, 'utf8');
  }

  #release(): void {
    this.address.release();
    this.frontAddress.release();
  }

  async #createMaster(): Promise<void> {
    const { master, databaseName } = this.#options;
    const user = quoteIdentifier(master.user);
    const login =
      master.password === undefined ? '' : ` PASSWORD ${quoteLiteral(scramVerifier(master.password))}`;
    const statements = [
      `CREATE ROLE ${user} LOGIN CREATEROLE CREATEDB${login} VALID UNTIL 'infinity'`,
      `GRANT rds_superuser TO ${user}`,
      ...(master.password === undefined ? [`GRANT rds_iam TO ${user}`] : []),
      `ALTER DATABASE postgres OWNER TO ${user}`,
      `ALTER DATABASE template1 OWNER TO ${user}`,
      ...(databaseName === undefined || databaseName === 'postgres'
        ? []
        : [`CREATE DATABASE ${quoteIdentifier(databaseName)} OWNER ${user}`]),
    ];
    await this.asAdmin(async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  }

  async #writeCertificate(): Promise<void> {
    const { authority, names } = this.#options;
    this.#certificate = await createServerCertificate(authority, names);
    await this.#write('server.key', this.#certificate.key);
    await this.#write('server.crt', this.#certificate.certificate);
  }

  /** The first rule is the bed's own way in, in a folder that only it can enter; the second that of the token front. */
  async #writeHostRules(): Promise<void> {
    const rules = [
      'local all all trust',
      `hostnossl all all ${this.frontAddress.host}/32 scram-sha-256`,
      `${this.#options.forceSsl ? 'hostssl' : 'host'} all all all scram-sha-256`,
    ];
    await this.#write('pg_hba.conf', `${rules.join('\n')}\n`);
  }

  async #write(name: string, text: string): Promise<void> {
    await writeFile(join(this.#files.dataDir, name), text, { mode: 0o600 });
  }
}
