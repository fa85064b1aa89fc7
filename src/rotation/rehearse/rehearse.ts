import { randomUUID } from 'node:crypto';
import type { Context } from '../../context.ts';
import type { OpenDatabase } from '../../database/open-database.ts';
import type { RoleGraph } from '../../database/role-graph.ts';
import type { RoleNames } from '../../database/roles.ts';
import { directRoute } from '../../database/route.ts';
import { type ExitCode, exitCodes, UserError } from '../../errors.ts';
import { withThrowawayPostgres } from '../../local/postgres/throwaway-postgres.ts';
import { type PostgresMajor, postgresMajors } from '../../project/postgres-packages.ts';
import { adopt, readAdoptPlan, readGraph } from '../adopt/adopt.ts';
import { openRotationDatabase } from '../database.ts';
import type { Wish } from '../decide/decision.ts';
import { memoryJournal } from '../journal.ts';
import { findDisparities } from '../parity/parity.ts';
import type { ParityFinding } from '../parity/parity-finding.ts';
import type { RotationReport } from '../report.ts';
import { rotate } from '../rotate.ts';
import { type Actors, type ConsumerTally, startActors } from './rehearse-consumers.ts';
import { readRights, type StageSet, setStage } from './rehearse-server.ts';
import { memoryStore } from './rehearse-store.ts';

export interface RehearseOptions {
  /** Absolute. */
  readonly projectDir: string;
  /** Of the real database. */
  readonly graph: RoleGraph;
  readonly names: RoleNames;
  /** The login in use. */
  readonly user: string;
  /** Times are shortened, and nothing that is open is known. */
  readonly wish: Wish;
  /** `user` is adopted first. */
  readonly adopt: boolean;
}

/** How it went. JSON, without secrets. */
export interface RehearsalReport {
  readonly outcome: 'rehearsed' | 'failed';
  readonly exit: ExitCode;
  /** Why it failed. */
  readonly faults: readonly string[];
  /** `17.10`. */
  readonly version: string;
  readonly recreated: { readonly statements: number; readonly left: readonly string[] };
  readonly adoption?: {
    readonly statements: number;
    readonly warnings: readonly string[];
    readonly ms: number;
  };
  /** Absent when it would have been refused. */
  readonly rotation?: RotationReport;
  readonly consumers: readonly ConsumerTally[];
  readonly parity: readonly ParityFinding[];
  /** Rights on tables that the login had and that its successor has not. */
  readonly lostRights: readonly string[];
  readonly durationMs: number;
}

const drainMs = 1_000;
const pollMs = 50;
const soakMs = 500;
const patienceMs = 60_000;
/** So many tables are read by each login of a simulated consumer. */
const mostTables = 50;

/**
 * The whole rotation, by the code of the real one, on a throw-away server of the same major version that has the roles and rights of
 * the real database; with consumers that log in all the time. Nothing of the real world is touched. AWS has no part in it, nor has
 * a proxy or a replica.
 *
 * @throws UserError NO_SUCH_ROLE, REHEARSE_MAJOR, those of `verifyAdopt` and of starting a server
 */
export async function rehearse(
  context: Context,
  options: RehearseOptions,
  lend: typeof withThrowawayPostgres = withThrowawayPostgres,
): Promise<RehearsalReport> {
  const startedAt = performance.now();
  const major = findMajor(options.graph);
  return lend(context, options.projectDir, major, async ({ admin, version }) => {
    const stage = await setStage(admin, options.graph, options.user);
    context.report({
      type: 'rehearsal-ready',
      message: `rehearsing on PostgreSQL ${version} with ${options.graph.roles.length} roles and ${options.graph.objects.length} objects of "${options.graph.database}"`,
    });
    const report = await play(context, options, stage);
    const durationMs = Math.round(performance.now() - startedAt);
    return { version, recreated: { statements: stage.made, left: stage.left }, ...report, durationMs };
  });
}

function findMajor({ server }: RoleGraph): PostgresMajor {
  const major = postgresMajors.find((one) => one === server.major);
  if (major !== undefined) return major;
  throw new UserError('REHEARSE_MAJOR', `there is no PostgreSQL ${server.major} to rehearse on`, {
    suggestions: [`rehearsals are possible for ${postgresMajors.join(', ')}`],
  });
}

type Played = Omit<RehearsalReport, 'version' | 'recreated' | 'durationMs'>;

async function play(context: Context, options: RehearseOptions, stage: StageSet): Promise<Played> {
  const { names, user } = options;
  const open = openStage(context, stage);
  const rights = await readRights(stage.superuser, actsAs(user, names));
  const store = memoryStore(stage.login);
  const actors = startActors(stage.superuser, store, stage.login, readingStatement(rights));
  try {
    await actors.settle();
    const adoption = options.adopt ? await rehearseAdoption(context, open, options) : undefined;
    const parity = await findParity(open, options);
    const refused = parity.some(({ severity }) => severity === 'refuse');
    const rotation = refused ? undefined : await rehearseRotation(context, open, options, { actors, store });
    await actors.settle();
    const after = await readRights(stage.superuser, actsAs(rotation?.currentUser ?? user, names));
    const lostRights = rights.filter((right) => !after.includes(right));
    const consumers = actors.tallies();
    const faults = faultsOf({ rotation, consumers, parity, lostRights });
    return {
      outcome: faults.length === 0 ? 'rehearsed' : 'failed',
      exit: faults.length === 0 ? exitCodes.done : exitCodes.notDone,
      ...{ faults, consumers, parity, lostRights },
      ...(rotation !== undefined && { rotation }),
      ...(adoption !== undefined && { adoption }),
    };
  } finally {
    await actors.stop();
  }
}

const isSlot = (user: string, { slots }: RoleNames): boolean => user === slots.a || user === slots.b;

const actsAs = (user: string, names: RoleNames): string => (isSlot(user, names) ? names.app : user);

/** As the admin of the real server, with its rights. */
function openStage(context: Context, { admin, login }: StageSet): OpenDatabase {
  const route = directRoute(context, async (target) => target);
  return {
    admin,
    app: { ...admin, ...login },
    run: (job, target, input) => route.run(job, target, input),
    dial: async (target) => target,
  };
}

function readingStatement(rights: readonly string[]): string {
  const tables = rights.filter((right) => right.startsWith('SELECT on ')).slice(0, mostTables);
  const each = tables.map((right) => `EXISTS (SELECT FROM ${right.slice('SELECT on '.length)})`);
  return `SELECT ${['true', ...each].join(', ')}`;
}

async function rehearseAdoption(
  context: Context,
  open: OpenDatabase,
  { user, names }: RehearseOptions,
): Promise<NonNullable<RehearsalReport['adoption']>> {
  const startedAt = performance.now();
  const plan = await readAdoptPlan(open, user, names);
  const { statements } = await adopt(context, open, plan);
  return { statements, warnings: plan.warnings, ms: Math.round(performance.now() - startedAt) };
}

async function findParity(
  open: OpenDatabase,
  { names, user, wish }: RehearseOptions,
): Promise<readonly ParityFinding[]> {
  if (wish.strategy !== 'slots') return [];
  const { slots, app, owner } = names;
  const graph = await readGraph(open, [user, slots.a, slots.b]);
  const standby = user === slots.a ? slots.b : slots.a;
  return findDisparities(graph, { current: user, standby, slots, app, owner });
}

async function rehearseRotation(
  context: Context,
  open: OpenDatabase,
  { names, wish }: RehearseOptions,
  { actors, store }: { readonly actors: Actors; readonly store: ReturnType<typeof memoryStore> },
): Promise<RotationReport> {
  const { user: _user, password: _password, ...target } = open.admin;
  const id = 'rehearsal';
  const database = openRotationDatabase(context, open, {
    id,
    endpoints: [{ title: 'the throw-away server', target }],
    proxyEndpoints: [],
    expectedRole: (user) => (isSlot(user, names) ? names.app : undefined),
  });
  const parts = { id, store, slots: names.slots, database, consumers: actors.consumers };
  const short: Wish = { ...wish, start: randomUUID(), rollback: false, repair: false, drainMs };
  const journal = memoryJournal();
  return database.withLease(() => rotate(context, parts, short, { journal, pollMs, patienceMs, soakMs }));
}

function faultsOf({
  rotation,
  consumers,
  parity,
  lostRights,
}: Omit<Played, 'faults' | 'outcome' | 'exit' | 'rotation'> & {
  readonly rotation: RotationReport | undefined;
}): string[] {
  const faults: string[] = [];
  if (rotation !== undefined && rotation.outcome !== 'closed') {
    const why = rotation.stopped?.why ?? rotation.waitingFor ?? 'see its effects';
    faults.push(`the rotation did not close (${rotation.outcome}): ${why}`);
  }
  for (const { id, failed, logins, firstFailure } of consumers) {
    if (failed > 0) faults.push(`${failed} of ${failed + logins} logins failed (${id}): ${firstFailure}`);
  }
  faults.push(...parity.filter(({ severity }) => severity === 'refuse').map(({ message }) => message));
  if (lostRights.length > 0) faults.push(`the new login lacks: ${lostRights.slice(0, 10).join(', ')}`);
  return faults;
}
