import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../../src/context.ts';
import { createAuthority } from '../../../src/local/postgres/certificates.ts';
import { testContext } from '../../postgres-server.ts';
import type { Bed, HookCall, HookReply } from '../bed.ts';
import { startCustomResourceAnswers } from './custom-resource-answers.ts';
import { DataApi } from './data-api.ts';
import { Databases } from './databases.ts';
import { Functions } from './functions.ts';
import { HostMap } from './host-map.ts';
import { HttpApis } from './http-apis.ts';
import { Identities } from './identities.ts';
import { postgresPort } from './loopback-address.ts';
import { findReachable, reachesPublicS3, startBlackHole } from './network.ts';
import { Proxies } from './proxies.ts';

export interface DataPlaneOptions {
  /** What every database allows, unless its parameter group names a number; 60 unless told. */
  readonly maxConnections?: number;
  /** The databases' clock, for tokens. */
  readonly now?: () => Date;
  /** False: functions reach every name, whatever their security groups say. */
  readonly checksNetwork?: boolean;
}

/** What is behind the API of a bed: databases, proxies, functions and HTTP APIs that run. */
export interface DataPlane {
  /** For the CLI as a child process, besides the bed's own `environment`. */
  readonly environment: Readonly<Record<string, string>>;
  /** PEM of the authority that stands for RDS's and for the public ones. */
  readonly caFile: string;
  readonly ca: string;
  readonly databases: Databases;
  readonly proxies: Proxies;
  readonly functions: Functions;
  readonly identities: Identities;
  /** The value for `--db-host-map`: `name=127.x.y.z:5432,…` as it is now. */
  hostMap(): string;
  /** The address behind a name of RDS. */
  findHost(name: string): { readonly host: string; readonly port: number } | undefined;
  stop(): Promise<void>;
}

type Handler = (call: HookCall) => Promise<HookReply | undefined>;

/** Starts the data plane of a bed. It follows what the account creates, changes and deletes from now on. */
export async function startDataPlane(bed: Bed, options: DataPlaneOptions = {}): Promise<DataPlane> {
  const dir = await mkdtemp(join(tmpdir(), 'lambdapg-plane-'));
  const authority = await createAuthority();
  const caFile = join(dir, 'rds-ca.pem');
  await writeFile(caFile, authority.certificate);
  const hostMap = new HostMap(join(dir, 'hosts'));
  const context: Context = testContext({ report: () => {} });
  const now = options.now ?? (() => new Date());
  const identities = new Identities(bed);
  const databases = new Databases({
    ...{ context, bed, authority, hostMap, identities },
    maxConnections: options.maxConnections ?? 60,
    now,
  });
  const checksNetwork = options.checksNetwork ?? true;
  const proxies = new Proxies({
    ...{ context, bed, authority, hostMap, identities, databases, checksNetwork, now },
  });
  const blackHole = await startBlackHole();
  const functionsDir = join(dir, 'functions');
  await mkdir(functionsDir);
  const answers = await startCustomResourceAnswers(bed, authority);
  const functions = new Functions({
    ...{ context, bed, identities, caFile, dir: functionsDir },
    async hostsFor(groups, subnets) {
      const answersLine = (place: string) => `${answers.name}=${place}\n`;
      if (!checksNetwork) return hostMap.lines() + answersLine(answers.place);
      const leaves = await reachesPublicS3(bed, groups, subnets);
      const endpoints = [...databases.endpoints(), ...proxies.endpoints()];
      const reachable = await findReachable(bed, { groups }, endpoints);
      const lines = endpoints.map((endpoint) => {
        const host = reachable.has(endpoint) ? hostMap.get(endpoint.name)?.host : blackHole.host;
        return `${endpoint.name}=${host}:${postgresPort}\n`;
      });
      lines.push(answersLine(leaves ? answers.place : `${blackHole.host}:${postgresPort}`));
      return lines.join('');
    },
  });
  const httpApis = new HttpApis(bed, functions);
  const dataApi = new DataApi({ bed, ca: authority.certificate, databases, hostMap });
  const kill = () => {
    databases.kill();
    functions.kill();
  };
  process.once('exit', kill);
  const unhook = await hookAll(bed, [
    { after: Identities.hooks, handle: async (call) => void identities.handle(call) as undefined },
    {
      ...Databases.hooks,
      handle: async (call) => {
        const reply = await databases.handle(call);
        await proxies.follow();
        return reply;
      },
    },
    { after: Proxies.hooks, handle: (call) => proxies.handle(call) },
    { after: HttpApis.hooks, handle: (call) => httpApis.handle(call) },
    { instead: DataApi.hooks, handle: (call) => dataApi.handle(call) },
    { ...Functions.hooks, handle: (call) => functions.handle(call) },
  ]);
  return {
    environment: {
      LAMBDAPG_DB_HOST_MAP: `@${hostMap.file}`,
      LAMBDAPG_RDS_CA: caFile,
      NODE_EXTRA_CA_CERTS: caFile,
    },
    caFile,
    ca: authority.certificate,
    databases,
    proxies,
    functions,
    identities,
    hostMap: () => hostMap.toString(),
    findHost: (name) => hostMap.get(name),
    async stop() {
      process.off('exit', kill);
      await unhook();
      await dataApi.stop();
      await httpApis.stop();
      await functions.stop();
      await proxies.stop();
      await databases.stop();
      answers.stop();
      blackHole.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** One hook per part. A part's calls go one after the other, in the order in which they come. */
async function hookAll(
  bed: Bed,
  parts: readonly {
    readonly after?: readonly string[];
    readonly instead?: readonly string[];
    readonly handle: Handler;
  }[],
): Promise<() => Promise<void>> {
  const undo: (() => Promise<void>)[] = [];
  for (const { handle, ...actions } of parts) undo.push(await bed.hook(actions, handle));
  return async () => {
    for (const one of undo) await one();
  };
}
