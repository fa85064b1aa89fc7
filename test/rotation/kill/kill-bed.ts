import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scramVerifier } from '../../../src/database/scram.ts';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { type Client, withClient } from '../../../src/database/with-client.ts';
import { errorMessage } from '../../../src/errors.ts';
import { createServerCertificate } from '../../../src/local/postgres/certificates.ts';
import { type LocalProxy, startLocalProxy } from '../../../src/local/proxy/local-proxy.ts';
import type { PostgresMajor } from '../../../src/project/postgres-packages.ts';
import type { Wish } from '../../../src/rotation/decide/decision.ts';
import { Secret } from '../../../src/secret.ts';
import { startTestPostgres, testContext } from '../../postgres-server.ts';
import { sql, type TestServer } from '../database-bed.ts';
import type { ChildInput } from './child.ts';
import type { FaultAt } from './faulty-parts.ts';
import { consumerKinds } from './filed-parts.ts';
import { bundleChild, type Ended, runChild } from './kill-process.ts';
import { currentOf, type FiledLogin, unfiled, type World, WorldFile } from './world-file.ts';

/** How long the proxy goes on with what it has read of a slot's secret. Milliseconds. */
const noticesAfterMs = 200;

/** A server, with `proxied` behind a proxy, that rotation after rotation is begun on anew. */
export interface KillBed {
  readonly proxied: boolean;
  /** A world in a folder of its own, with the passwords of its roles in the database. */
  begin(world?: World): Promise<BegunWorld>;
  /** As it is before a rotation: slot a is current; nobody knows the password of slot b. */
  firstWorld(): World;
  stop(): Promise<void>;
}

export interface BegunWorld {
  readonly file: WorldFile;
  /** Rotates in a process of its own, once for each wish. @throws when it ends in another way than by its own kill */
  rotate(wishes: readonly Wish[], fault?: FaultAt): Promise<Ended>;
  /** A session of AWSCURRENT's login, held while `work` is done. */
  withSession<T>(applicationName: string, work: (client: Client) => Promise<T>): Promise<T>;
  /** Why that login is refused now; empty when it is not. */
  refusal(login: FiledLogin): Promise<string>;
  /**
   * Each login that is in use now and is refused. With `candidates` a second one may stand in for it: AWSPENDING for
   * AWSCURRENT, the next password for the one that is held.
   */
  broken(candidates: boolean): Promise<readonly string[]>;
}

export interface KillBedOptions {
  readonly proxied?: boolean;
  readonly major?: PostgresMajor;
}

export async function startKillBed({ proxied = false, major = 17 }: KillBedOptions = {}): Promise<KillBed> {
  const server = await startTestPostgres({ major, settings: { max_connections: '60' } });
  const { local } = server;
  const script = await bundleChild(server.projectDir);
  let present: WorldFile | undefined;
  const proxy = proxied ? await startProxy(server, () => present?.read()) : undefined;
  const app = { ...local.slots.a, ...(proxy && { port: proxy.port }) };
  const refusal = ({ user, password }: FiledLogin): Promise<string> =>
    withClient(
      { ...app, user, password: new Secret(password) },
      { applicationName: 'test' },
      async () => '',
    ).catch(errorMessage);
  const firstWorld = (): World => newWorld(proxied);
  return {
    ...{ proxied, firstWorld },
    async begin(world = firstWorld()) {
      await mkdir(join(server.projectDir, 'kill'), { recursive: true });
      const dir = await mkdtemp(join(server.projectDir, 'kill', 'world-'));
      const file = new WorldFile(join(dir, 'world.json'));
      file.write(world);
      present = file;
      await sql(local.admin, loginsOf(world).map(alterRole).join(';\n'));
      return {
        ...{ file, refusal },
        withSession: (applicationName, work) =>
          withClient({ ...app, ...currentOf(file.read()) }, { applicationName }, work),
        rotate: (wishes, fault) => {
          const input = { ...inputFor(server, proxy), dir, wishes, ...(fault && { fault }) };
          return runChild(script, input, local.admin.password);
        },
        broken: (candidates) => brokenLogins(file.read(), candidates, refusal),
      };
    },
    async stop() {
      await proxy?.stop();
      await server.cleanUp();
    },
  };
}

/** Passwords in the database: what the slots say, behind a proxy; then what has a label. The last one of a role counts. */
function loginsOf(world: World): readonly FiledLogin[] {
  const nobody = { user: 'library_b', password: 'a password that nobody has' };
  const { current, pending, previous } = world.labels;
  const stored = [previous, pending, current].flatMap((id) =>
    id === undefined ? [] : (world.versions[id] ?? []),
  );
  return [nobody, ...Object.values(world.slots).map(({ login }) => login), ...stored];
}

const alterRole = ({ user, password }: FiledLogin): string =>
  `ALTER ROLE ${user} LOGIN PASSWORD '${scramVerifier(new Secret(password))}'`;

let made = 0;

function newWorld(proxied: boolean): World {
  made += 1;
  const first = { user: 'library_a', password: `first-password-${made}` };
  const standby = { user: 'library_b', password: `standby-password-${made}` };
  const holding = Object.entries(consumerKinds).flatMap(([id, { kind }]) =>
    kind === 'holds' ? [[id, { holds: first }] as const] : [],
  );
  const slots = {
    library_a: { login: first, changedAt: 0 },
    library_b: { login: standby, changedAt: 0 },
  };
  return {
    versions: { first },
    labels: { current: 'first' },
    slots: proxied ? slots : {},
    consumers: Object.fromEntries(holding),
  };
}

function startProxy({ local }: TestServer, world: () => World | undefined): Promise<LocalProxy> {
  return (async () => {
    const authority = await readFile(local.caFile, 'utf8');
    const key = await readFile(join(local.caFile, '..', 'ca.key'), 'utf8');
    return startLocalProxy(testContext(), {
      target: local.slots.a,
      async credentials(user) {
        const slot = world()?.slots[user];
        if (slot === undefined) return undefined;
        const isNoticed = Date.now() - slot.changedAt >= noticesAfterMs;
        return unfiled(isNoticed ? slot.login : (slot.old ?? slot.login));
      },
      tls: { ...(await createServerCertificate({ certificate: authority, key })), required: true },
      maxConnections: 30,
    });
  })();
}

function inputFor(
  { local }: TestServer,
  proxy: LocalProxy | undefined,
): Pick<ChildInput, 'admin' | 'app' | 'proxy'> {
  const placeOf = ({ password: _password, ...place }: ConnectionTarget) => place;
  const app = placeOf(local.slots.a);
  return { admin: placeOf(local.admin), app, ...(proxy && { proxy: { ...app, port: proxy.port } }) };
}

async function brokenLogins(
  { versions, labels, consumers }: World,
  withCandidates: boolean,
  refusal: (login: FiledLogin) => Promise<string>,
): Promise<readonly string[]> {
  const pending = labels.pending === undefined ? undefined : versions[labels.pending];
  const uses: [string, ...(FiledLogin | undefined)[]][] = [['AWSCURRENT', versions[labels.current], pending]];
  for (const [id, { holds, next, added }] of Object.entries(consumers)) {
    uses.push([id, holds, next]);
    if (added) uses.push([`${added.percent} % of ${id}`, added.login]);
  }
  const found: string[] = [];
  for (const [id, login, second] of uses) {
    const candidates = [login, withCandidates ? second : undefined].filter((one) => one !== undefined);
    const refusals = await Promise.all(candidates.map(refusal));
    if (refusals.length > 0 && refusals.every((why) => why !== ''))
      found.push(`${id}: ${refusals.join('; ')}`);
  }
  return found;
}
