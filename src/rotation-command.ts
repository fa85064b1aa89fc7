import { BaseCommand } from './base-command.ts';
import type { Context } from './context.ts';
import { exitCodes } from './errors.ts';
import type { Project } from './project/find-project.ts';
import { openWorld, type StageChoice } from './providers/aws/open-world.ts';
import { formatPolicies, policyOf } from './providers/aws/policy-of.ts';
import { adviceInputOf, adviseRotation } from './providers/aws/rotation/advise.ts';
import { type OpenRotation, openRotation } from './providers/aws/rotation/open-rotation.ts';
import {
  adoptStage,
  findStageConsumers,
  planStageAdoption,
  planStageRotation,
  type RotateChoice,
  rehearseStage,
  rotateMaster,
  rotateStage,
  statusOfStage,
} from './providers/aws/rotation/rotate-stage.ts';
import { emitRotationFunction } from './providers/aws/rotation/rotation-function/emit.ts';
import { type Preflight, verifyRotation } from './providers/aws/rotation/rotation-preflight.ts';
import type { Retirement, Strategy, Termination } from './rotation/decide/decision.ts';
import { claimText } from './rotation/guarantee.ts';
import { modeOf, parseCanary, parseDuration } from './rotation-flags.ts';
import { formatManaged, formatRehearsal, formatRotation } from './terminal/format-rotation.ts';
import { formatAdvice, formatCandidates, formatEmitted } from './terminal/format-rotation-help.ts';
import { formatAdoptPlan, formatRotationPlan } from './terminal/format-rotation-plan.ts';
import { formatRotationStatus } from './terminal/format-rotation-status.ts';

export interface RotationFlags extends StageChoice {
  readonly strategy?: Strategy | 'managed' | undefined;
  readonly canary: string;
  readonly soak: string;
  readonly drain: string;
  readonly patience: string;
  readonly retire: Retirement;
  readonly terminate: Termination;
  readonly 'accept-window': boolean;
  readonly 'accept-headroom': boolean;
  readonly 'iam-policy': boolean;
  readonly yes: boolean;
  readonly plan: boolean;
  readonly rehearse: boolean;
  readonly adopt?: string | undefined;
  readonly 'emit-lambda'?: string | undefined;
}

/** What `rotate-creds` does, by mode. */
export abstract class RotationCommand extends BaseCommand {
  protected async follow(context: Context, project: Project, flags: RotationFlags): Promise<unknown> {
    // What is wrong with the flags is said before AWS is asked.
    const choice = choiceOf(flags);
    const mode = modeOf({ ...flags });
    if (flags['iam-policy']) {
      const world = await openWorld(context, project, flags);
      const command = mode === 'find-consumers' ? mode : 'rotate';
      return this.print(await policyOf(world, command), formatPolicies);
    }
    if (mode === 'advise') {
      const { stage } = await openWorld(context, project, flags);
      return this.print(adviseRotation(adviceInputOf(stage)), formatAdvice);
    }
    if (flags.strategy === 'managed') return this.#rotateMaster(context, project, flags);
    const rotation = await openRotation(context, project, flags);
    if (flags.adopt !== undefined) return this.#adopt(context, rotation, flags, flags.adopt);
    switch (mode) {
      case 'status':
        return this.print(await statusOfStage(rotation), (status) =>
          formatRotationStatus(status, process.stdout),
        );
      case 'find-consumers':
        return this.print(await findStageConsumers(rotation), formatCandidates);
      case 'emit-lambda': {
        const { world, have, endpoints } = rotation;
        const folder = flags['emit-lambda'] ?? '';
        return this.print(await emitRotationFunction(world, have, endpoints, folder), formatEmitted);
      }
      case 'rehearse':
        return this.#rehearse(context, rotation, flags);
      default:
        return this.#rotate(context, rotation, flags, choice);
    }
  }

  async #rotate(
    context: Context,
    rotation: OpenRotation,
    flags: RotationFlags,
    choice: RotateChoice,
  ): Promise<unknown> {
    const preflight = await this.#look(context, rotation, flags, choice);
    const { strategy, guarantee, warnings } = preflight;
    const head = {
      ...{ project: rotation.world.stage.project, stage: flags.stage, strategy },
      ...{ claim: guarantee.claim, claimed: claimText[guarantee.claim], proof: guarantee.proof, warnings },
    };
    if (flags.plan || (choice.mode === 'rotate' && !flags.yes)) {
      const planned = { ...head, ...(await planStageRotation(rotation, strategy, choice)) };
      if (flags.plan) {
        const { ending, steps } = planned;
        const isOpen = steps.length > 0 ? exitCodes.open : exitCodes.done;
        process.exitCode = ending.next === 'stop' ? ending.exit : isOpen;
        return this.print(planned, formatRotationPlan);
      }
      if (!this.jsonEnabled()) this.log(formatRotationPlan(planned));
      await this.confirm('Rotate like this?', false);
    }
    const report = await rotateStage(context, rotation, strategy, choice);
    process.exitCode = report.exit;
    return this.print({ ...head, ...report }, (done) => formatRotation(done, process.stdout));
  }

  async #look(
    context: Context,
    rotation: OpenRotation,
    flags: RotationFlags,
    { mode, canary, soakMs }: RotateChoice,
  ): Promise<Preflight> {
    const strategy = strategyOf(flags);
    const acceptHeadroom = flags['accept-headroom'];
    const preflight = await verifyRotation(rotation, {
      ...{ strategy, mayBegin: mode === 'rotate', givesUp: mode === 'rollback' },
      ...{ canary, soakMs, acceptHeadroom },
    });
    for (const message of preflight.warnings) context.report({ type: 'rotation-warning', message });
    return preflight;
  }

  async #rotateMaster(context: Context, project: Project, flags: RotationFlags): Promise<unknown> {
    const world = await openWorld(context, project, flags);
    const isResumed = modeOf({ ...flags }) === 'resume';
    if (!isResumed) await this.confirm('Have RDS rotate the master password?', flags.yes);
    const report = await rotateMaster(world, isResumed);
    process.exitCode = report.exit;
    return this.print(report, formatManaged);
  }

  async #adopt(
    context: Context,
    rotation: OpenRotation,
    flags: RotationFlags,
    role: string,
  ): Promise<unknown> {
    if (flags.rehearse) return this.#rehearse(context, rotation, flags);
    const plan = await planStageAdoption(rotation, role);
    const isDone = plan.transactions.length === 0;
    if (flags.plan) {
      process.exitCode = isDone && plan.refusals.length === 0 ? exitCodes.done : exitCodes.open;
      return this.print(plan, formatAdoptPlan);
    }
    if (!this.jsonEnabled()) this.log(formatAdoptPlan(plan));
    if (!isDone) await this.confirm(`Adopt ${role} like this?`, flags.yes);
    return this.print({ ...plan, ...(await adoptStage(context, rotation, plan)) }, ({ statements }) =>
      statements === 0 ? 'nothing to do' : `done: ${statements} statements; now lambdapg rotate-creds`,
    );
  }

  async #rehearse(context: Context, rotation: OpenRotation, flags: RotationFlags): Promise<unknown> {
    const rehearsal = await rehearseStage(
      context,
      rotation,
      strategyOf(flags) ?? 'slots',
      choiceOf(flags),
      flags.adopt,
    );
    process.exitCode = rehearsal.exit;
    return this.print(rehearsal, (done) => formatRehearsal(done, process.stdout));
  }
}

/** `managed` has gone another way before. */
const strategyOf = ({ strategy }: RotationFlags): Strategy | undefined =>
  strategy === 'managed' ? undefined : strategy;

function choiceOf(flags: RotationFlags): RotateChoice {
  const mode = modeOf({ ...flags });
  return {
    mode: mode === 'resume' || mode === 'rollback' || mode === 'repair' ? mode : 'rotate',
    canary: parseCanary(flags.canary),
    soakMs: parseDuration('soak', flags.soak),
    drainMs: flags.drain === 'auto' ? undefined : parseDuration('drain', flags.drain),
    patienceMs: parseDuration('patience', flags.patience),
    ...{ retire: flags.retire, terminate: flags.terminate, acceptWindow: flags['accept-window'] },
  };
}
