import { randomUUID } from 'node:crypto';
import type { Context } from '../../../context.ts';
import type { Retirement, Strategy, Termination, Wish } from '../../../rotation/decision.ts';
import { fileJournal, type Journal } from '../../../rotation/journal.ts';
import type { RotationReport } from '../../../rotation/report.ts';
import { rotate } from '../../../rotation/rotate.ts';
import { explainAwsError } from '../explain.ts';
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

export function wishOf(
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

export const journalOf = ({ world: { stage } }: OpenRotation): Journal =>
  fileJournal(stage.projectDir, stage.stage);

/**
 * Rotates, alone on the stage, until it is closed or somebody else has to go on.
 *
 * @throws UserError ROTATION_IN_PROGRESS (exit 75), LEASE_FORBIDDEN; AWS's errors, explained; Cancelled
 */
export async function rotateStage(
  context: Context,
  rotation: OpenRotation,
  strategy: Strategy,
  choice: RotateChoice,
): Promise<RotationReport> {
  const { parts, world } = rotation;
  const options = {
    journal: journalOf(rotation),
    patienceMs: choice.patienceMs,
    soakMs: choice.soakMs,
  };
  try {
    return await parts.database.withLease(() => rotate(context, parts, wishOf(choice, strategy), options));
  } catch (error) {
    throw explainAwsError(error, `stage ${world.stage.prefix}`);
  }
}
