import { roleNames } from '../../../database/roles.ts';
import { exitCodes, UserError } from '../../../errors.ts';
import { roleGraphJob } from '../../../jobs/role-graph-job.ts';
import { parseProjectName } from '../../../project/names.ts';
import type { ConsumerConfig } from '../../../project/rotation-schema.ts';
import type { Strategy } from '../../../rotation/decide/decision.ts';
import { weakestGuarantee } from '../../../rotation/guarantee.ts';
import type { ConsumerWay, Guarantee } from '../../../rotation/guarantee-table.ts';
import { estimateHeadroom, type Headroom, type HeadroomConsumer } from '../../../rotation/headroom.ts';
import { verifyHeadroom } from '../../../rotation/headroom-refusal.ts';
import { findDisparities, verifyParity } from '../../../rotation/parity/parity.ts';
import type { StoreSeen } from '../../../rotation/parts.ts';
import { takeLook } from '../look.ts';
import { functionNameOf, type Stage } from '../stage.ts';
import type { OpenRotation } from './open-rotation.ts';
import { isOwnRotationFunction } from './rotation-function/emit.ts';
import { verifySecret } from './store/verify-secret.ts';

export interface PreflightChoice {
  /** As it was asked for. */
  readonly strategy?: Strategy | undefined;
  /** Whether a rotation may be begun; otherwise what is open is finished or taken back. */
  readonly mayBegin: boolean;
  /** `--rollback`: what is pending loses its label, whoever has put it there. */
  readonly givesUp: boolean;
  readonly canary: readonly number[];
  readonly soakMs: number;
  readonly acceptHeadroom: boolean;
}

export interface Preflight {
  readonly strategy: Strategy;
  /** Something was begun before: it is finished, whatever the database looks like. */
  readonly isOpen: boolean;
  readonly guarantee: Guarantee;
  /** Absent where one is open already. */
  readonly headroom?: Headroom;
  readonly warnings: readonly string[];
}

/**
 * Everything that can be known before the first change: the secret, the roles, the rights, who would be changed, and whether old
 * and new connections fit together.
 *
 * @throws UserError of `verifySecret`; SINGLE_ROLE, STRATEGY_BEHIND_PROXY, ROLE_MISSING, ROLE_FORBIDDEN, NO_PARITY,
 *   CONSUMER_DRIFTED, NO_HEADROOM
 */
export async function verifyRotation(rotation: OpenRotation, choice: PreflightChoice): Promise<Preflight> {
  const { world, parts, endpoints, secret, topology } = rotation;
  const { stage, aws } = world;
  const seen = await verifySecret(aws, secret, parts.store, {
    ...{ stage: stage.stage, hasEngine: stage.config.engine !== 'none' },
    ...{ slots: parts.slots, hosts: endpoints.hosts },
    ...{ isOwnFunction: isOwnRotationFunction(aws), givesUpPending: choice.givesUp },
  });
  const strategy = await chooseStrategy(rotation, seen, choice);
  const isOpen = isOpenStore(seen);
  const guarantee = weakestGuarantee(topology, strategy, waysOf(stage));
  const base = { strategy, isOpen, guarantee };
  if (isOpen) return { ...base, warnings: endpoints.notes };
  const [found, missing, drifted, headroom] = await Promise.all([
    strategy === 'slots' ? compareSlots(rotation, seen) : [],
    parts.database.verifyMayAlter(changedUsers(rotation, seen, strategy)),
    Promise.all(parts.consumers.map((consumer) => consumer.verify?.(seen) ?? [])),
    measureHeadroom(rotation, seen, choice),
  ]);
  verifyHeadroom(headroom, { accept: choice.acceptHeadroom });
  const unseen = missing.map(({ message, grant }) => `${message}: ${grant}`);
  return { ...base, headroom, warnings: [...endpoints.notes, ...found, ...unseen, ...drifted.flat()] };
}

/** A value waits, or two labels stand on one: somebody has begun. */
export const isOpenStore = ({ pending, emptyPending, pendingIsCurrent }: StoreSeen): boolean =>
  pending !== undefined || emptyPending !== undefined || pendingIsCurrent;

/** Both slots, and a role that was adopted: it is retired at last. */
const changedUsers = ({ parts }: OpenRotation, seen: StoreSeen, strategy: Strategy): string[] =>
  strategy === 'slots' ? [...new Set([parts.slots.a, parts.slots.b, ...usersOf(seen)])] : usersOf(seen);

const usersOf = ({ current }: StoreSeen): string[] => (current === undefined ? [] : [current.login.user]);

/** @throws UserError SINGLE_ROLE, STRATEGY_BEHIND_PROXY */
async function chooseStrategy(
  { world, parts, open, topology }: OpenRotation,
  { current }: StoreSeen,
  { strategy: asked, mayBegin }: Pick<PreflightChoice, 'strategy' | 'mayBegin'>,
): Promise<Strategy> {
  if (asked !== undefined && asked !== 'slots') {
    if (topology !== 'proxy') return asked;
    throw new UserError(
      'STRATEGY_BEHIND_PROXY',
      `--strategy ${asked} changes the password that RDS Proxy uses at the same time, so its clients are refused until it notices`,
      { exit: exitCodes.usage, suggestions: ['--strategy slots: one secret for each of two logins'] },
    );
  }
  const user = current?.login.user ?? '';
  const { a, b } = parts.slots;
  if (user === a || user === b) return 'slots';
  const graph = await open.run(roleGraphJob, open.admin, { focus: [user, a, b] });
  const names = new Set(graph.roles.map(({ name }) => name));
  if (names.has(a) && names.has(b)) return 'slots';
  // What is open for the only login was begun with one role. `next` finishes `single` too, and makes no window that was not accepted.
  if (!mayBegin && asked === undefined && topology !== 'proxy') return 'next';
  throw new UserError(
    'SINGLE_ROLE',
    `"${user}" is the only login of ${world.stage.prefix}: two slots need ${a} and ${b}, which are not there`,
    {
      suggestions: [
        `lambdapg rotate-creds --adopt ${user} --rehearse, then without --rehearse: makes it one of them`,
        '--strategy next, where every consumer can be given the next password beside the present one',
      ],
    },
  );
}

/** @returns warnings. @throws UserError NO_PARITY */
async function compareSlots(
  { world: { stage }, parts, open }: OpenRotation,
  { current }: StoreSeen,
): Promise<string[]> {
  const { a, b } = parts.slots;
  const user = current?.login.user ?? a;
  const { app, owner } = roleNames(parseProjectName(stage.project));
  const connections = mostConnections(stage);
  const logins = {
    ...{ current: user, standby: user === a ? b : a, slots: parts.slots, app, owner },
    ...(connections !== undefined && { connections }),
  };
  const graph = await open.run(roleGraphJob, open.admin, { focus: [a, b, app, owner, user] });
  const findings = findDisparities(graph, logins);
  verifyParity(findings, logins);
  return findings.map(({ message }) => message);
}

async function measureHeadroom(
  { world, parts, endpoints }: OpenRotation,
  seen: StoreSeen,
  { canary, soakMs }: PreflightChoice,
): Promise<Headroom> {
  const { stage, aws } = world;
  const { connections, proxy } = stage.cloud;
  const [user = ''] = usersOf(seen);
  const [room, limit, sessions] = await Promise.all([
    parts.database.connectionRoom([user]),
    takeLook(aws, stage).accountLimit(),
    parts.database.sessions(user),
  ]);
  const hasProxy = endpoints.proxyEndpoints.length > 0 && proxy !== false;
  return estimateHeadroom({
    ...{ maxConnections: room.maxConnections, reserved: room.reserved, used: room.used },
    ...{ usedByLogin: sessions?.length, canary, soakMs },
    ...{ perEnvironment: connections.perEnvironment, otherConsumers: connections.otherConsumers },
    unreservedConcurrency: limit?.UnreservedConcurrentExecutions,
    consumers: headroomConsumers(stage),
    ...(hasProxy && { proxyShare: Math.floor((room.maxConnections * proxy.maxConnectionsPercent) / 100) }),
  });
}

function headroomConsumers(stage: Stage): HeadroomConsumer[] {
  const own = Object.entries(stage.config.functions).map(([name, { reservedConcurrency }]) => ({
    id: `function ${functionNameOf(stage, name)}`,
    way: 'module' as const,
    concurrency: reservedConcurrency,
    staged: false,
  }));
  const listed = stage.cloud.rotation.consumers.map((consumer): HeadroomConsumer => {
    if (!('function' in consumer)) return { id: titleOf(consumer), way: 'copy', staged: false };
    const { credentials: way, concurrency, alias } = consumer;
    return { id: titleOf(consumer), way, concurrency, staged: alias !== undefined };
  });
  return [...own, ...listed];
}

/** How many the functions may open; undefined where only the account limits them. */
function mostConnections(stage: Stage): number | undefined {
  const all = headroomConsumers(stage).filter(({ way }) => way !== 'copy');
  const known = all.flatMap(({ concurrency }) => concurrency ?? []);
  if (known.length < all.length) return undefined;
  return known.reduce((sum, one) => sum + one, 0) * stage.cloud.connections.perEnvironment;
}

const titleOf = (consumer: ConsumerConfig): string => {
  if ('function' in consumer) return `function ${consumer.function}`;
  return 'parameter' in consumer ? `parameter ${consumer.parameter}` : `secret ${consumer.secret}`;
};

/** How the consumers of a stage come by their login. */
function waysOf({ cloud, config }: Stage): ConsumerWay[] {
  const own = Object.keys(config.functions).length > 0 ? (['module'] as const) : [];
  const listed = cloud.rotation.consumers.map((consumer): ConsumerWay => {
    if (!('function' in consumer)) return 'copy';
    if (consumer.credentials !== 'environment') return consumer.credentials;
    return consumer.alias === undefined ? 'latest' : 'alias';
  });
  return [...own, ...listed];
}
