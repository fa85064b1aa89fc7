import { randomUUID } from 'node:crypto';
import type { Context } from '../../../context.ts';
import { roleNames } from '../../../database/roles.ts';
import { UserError } from '../../../errors.ts';
import { parseProjectName } from '../../../project/names.ts';
import { adopt, readAdoptPlan, readGraph } from '../../../rotation/adopt/adopt.ts';
import type { AdoptPlan } from '../../../rotation/adopt/adopt-step.ts';
import type { Retirement, Strategy, Termination, Wish } from '../../../rotation/decide/decision.ts';
import { planRotation, type RotationPlan } from '../../../rotation/decide/plan-rotation.ts';
import { fileJournal, type Journal } from '../../../rotation/journal.ts';
import { type RehearsalReport, rehearse } from '../../../rotation/rehearse/rehearse.ts';
import type { RotationReport } from '../../../rotation/report.ts';
import { rotate } from '../../../rotation/rotate.ts';
import { type RotationStatus, statusOf } from '../../../rotation/status.ts';
import { explainAwsError } from '../explain.ts';
import type { OpenWorld } from '../open-world.ts';
import type { Stage } from '../stage.ts';
import { findStageDatabase } from '../stage-database.ts';
import { type FoundConsumers, findConsumers } from './find-consumers/find-consumers.ts';
import { type ManagedReport, rotateManaged } from './managed.ts';
import type { OpenRotation } from './open-rotation.ts';

/** What a run is asked for, as the command line says it. */
export interface RotateChoice {
  readonly mode: 'rotate' | 'resume' | 'rollback' | 'repair';
  readonly canary: readonly number[];
  readonly soakMs: number;
  /** Absent: the longest of the consumers. */
  readonly drainMs?: number | undefined;
  readonly patienceMs: number;
  readonly retire: Retirement;
  readonly terminate: Termination;
  readonly acceptWindow: boolean;
}

/** What a rotation would do. */
export function planStageRotation(
  rotation: OpenRotation,
  strategy: Strategy,
  choice: RotateChoice,
): Promise<RotationPlan> {
  return explained(rotation, () =>
    planRotation(rotation.parts, wishOf(choice, strategy), { soakMs: choice.soakMs }),
  );
}

/**
 * Rotates, alone on the stage, until it is closed or somebody else has to go on.
 *
 * @throws UserError ROTATION_IN_PROGRESS (exit 75), LEASE_FORBIDDEN; AWS's errors, explained; Cancelled
 */
export function rotateStage(
  context: Context,
  rotation: OpenRotation,
  strategy: Strategy,
  choice: RotateChoice,
): Promise<RotationReport> {
  const { patienceMs, soakMs } = choice;
  const options = { journal: journalOf(rotation), patienceMs, soakMs };
  const { parts } = rotation;
  return explained(rotation, () =>
    parts.database.withLease(() => rotate(context, parts, wishOf(choice, strategy), options)),
  );
}

/** Who holds which login, and what is open. */
export const statusOfStage = (rotation: OpenRotation): Promise<RotationStatus> =>
  explained(rotation, () => statusOf(rotation.parts, journalOf(rotation), { retire: 'scramble' }));

/** Who may hold the login, listed or not. */
export function findStageConsumers(rotation: OpenRotation): Promise<FoundConsumers> {
  const { parts, endpoints, secret, secretArn, world } = rotation;
  return explained(rotation, async () => {
    const known = await parts.store.read();
    const user = known.current?.login.user;
    const sessions = user === undefined ? undefined : await parts.database.sessions(user);
    const traces = { secret, secretArn, known, hosts: [...endpoints.hosts] };
    return findConsumers(world, { ...traces, ...(sessions !== undefined && { sessions }) });
  });
}

/** Has RDS rotate the master password that it keeps. @throws UserError NO_MANAGED_MASTER, MASTER_IMPAIRED */
export async function rotateMaster(world: OpenWorld, resume: boolean): Promise<ManagedReport> {
  const { aws, stage } = world;
  try {
    const database = await findStageDatabase(aws, stage);
    if (database === undefined) throw noMaster(stage);
    return await rotateManaged(world, database, { resume });
  } catch (error) {
    throw explainAwsError(error, `stage ${stage.prefix}`);
  }
}

const noMaster = ({ prefix, stage }: Stage): UserError =>
  new UserError(
    'NO_MANAGED_MASTER',
    `${prefix} has no database of RDS, which would keep its master password`,
    {
      suggestions: [`lambdapg status --stage ${stage}`],
    },
  );

export const planStageAdoption = (rotation: OpenRotation, role: string): Promise<AdoptPlan> =>
  explained(rotation, () => readAdoptPlan(rotation.open, role, namesOf(rotation)));

/** Without the lease, whose place may not be there yet: each of its transactions has a lock of its own. @throws UserError of `adopt` */
export const adoptStage = (
  context: Context,
  rotation: OpenRotation,
  plan: AdoptPlan,
): Promise<{ readonly statements: number }> => explained(rotation, () => adopt(context, rotation.open, plan));

/** @param adopted the role that is adopted first @throws UserError of `rehearse` */
export function rehearseStage(
  context: Context,
  rotation: OpenRotation,
  strategy: Strategy,
  choice: RotateChoice,
  adopted: string | undefined,
): Promise<RehearsalReport> {
  const { open, parts, world } = rotation;
  return explained(rotation, async () => {
    const user = adopted ?? (await parts.store.read()).current?.login.user ?? parts.slots.a;
    const graph = await readGraph(open, [user, parts.slots.a, parts.slots.b]);
    return rehearse(context, {
      ...{ projectDir: world.stage.projectDir, graph, names: namesOf(rotation), user },
      ...{ wish: wishOf(choice, strategy), adopt: adopted !== undefined },
    });
  });
}

const namesOf = ({ world: { stage } }: OpenRotation) => roleNames(parseProjectName(stage.project));

const journalOf = ({ world: { stage } }: OpenRotation): Journal => fileJournal(stage.projectDir, stage.stage);

function wishOf(
  { mode, canary, retire, terminate, acceptWindow, drainMs }: RotateChoice,
  strategy: Strategy,
): Wish {
  return {
    ...{ strategy, canary, retire, terminate, acceptWindow },
    rollback: mode === 'rollback',
    repair: mode === 'repair',
    ...(drainMs !== undefined && { drainMs }),
    ...(mode === 'rotate' && { start: randomUUID() }),
  };
}

async function explained<T>({ world }: OpenRotation, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainAwsError(error, `stage ${world.stage.prefix}`);
  }
}
