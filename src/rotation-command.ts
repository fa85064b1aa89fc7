import { BaseCommand } from './base-command.ts';
import type { Context } from './context.ts';

import type { Project } from './project/find-project.ts';
import type { StageChoice } from './providers/aws/open-world.ts';
import { type OpenRotation, openRotation } from './providers/aws/rotation/open-rotation.ts';
import { type RotateChoice, rotateStage } from './providers/aws/rotation/rotate-stage.ts';
import { type Preflight, verifyRotation } from './providers/aws/rotation/rotation-preflight.ts';
import type { Retirement, Strategy, Termination } from './rotation/decision.ts';
import { claimText } from './rotation/guarantee.ts';
import { modeOf, parseCanary, parseDuration, type RotationMode } from './rotation-flags.ts';
import { formatRotation } from './terminal/format-rotation.ts';

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
  readonly yes: boolean;
}

/** What `rotate-creds` does, by mode. */
export abstract class RotationCommand extends BaseCommand {
  protected async rotateLogin(context: Context, project: Project, flags: RotationFlags): Promise<unknown> {
    const mode = modeOf({ ...flags });
    const choice = choiceOf(mode, flags);
    const rotation = await openRotation(context, project, flags);
    const preflight = await this.#look(context, rotation, flags, choice);
    const { name } = project.config;
    const { strategy, guarantee, warnings } = preflight;
    const claim = { claim: guarantee.claim, claimed: claimText[guarantee.claim], proof: guarantee.proof };
    const head = { project: name, stage: flags.stage, ...claim, warnings };
    if (!this.jsonEnabled()) this.log(`${name}, stage ${flags.stage}: ${claim.claimed}`);
    if (mode === 'rotate') await this.confirm('Rotate the login of this stage?', flags.yes);
    const report = await rotateStage(context, rotation, strategy, choice);
    process.exitCode = report.exit;
    return this.print({ ...head, ...report }, (done) => formatRotation(done, process.stdout));
  }

  async #look(
    context: Context,
    rotation: OpenRotation,
    flags: RotationFlags,
    { canary, soakMs }: RotateChoice,
  ): Promise<Preflight> {
    const strategy = flags.strategy === 'managed' ? undefined : flags.strategy;
    const acceptHeadroom = flags['accept-headroom'];
    const preflight = await verifyRotation(rotation, { strategy, canary, soakMs, acceptHeadroom });
    for (const message of preflight.warnings) context.report({ type: 'rotation-warning', message });
    return preflight;
  }
}

export function choiceOf(mode: RotationMode, flags: RotationFlags): RotateChoice {
  const changing = mode === 'resume' || mode === 'rollback' || mode === 'repair' ? mode : 'rotate';
  return {
    mode: changing,
    canary: parseCanary(flags.canary),
    soakMs: parseDuration('soak', flags.soak),
    drainMs: flags.drain === 'auto' ? undefined : parseDuration('drain', flags.drain),
    patienceMs: parseDuration('patience', flags.patience),
    ...{ retire: flags.retire, terminate: flags.terminate, acceptWindow: flags['accept-window'] },
  };
}
