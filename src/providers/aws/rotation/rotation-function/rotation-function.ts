import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../../../context.ts';
import { exitCodes, UserError } from '../../../../errors.ts';
import { decide } from '../../../../rotation/decide/decide.ts';
import type { Effect, Wish } from '../../../../rotation/decide/decision.ts';
import {
  decideStep,
  parseRotationStep,
  type RotationStep,
  rotationSteps,
} from '../../../../rotation/decide/masked.ts';
import { describeEffect } from '../../../../rotation/describe-effect.ts';
import { loginOf } from '../../../../rotation/observation.ts';
import { observe, type Seen } from '../../../../rotation/observe.ts';
import { performEffect } from '../../../../rotation/perform-effect.ts';
import { proxyReadiness } from '../../../../rotation/proxy-readiness.ts';
import { Remembered } from '../../../../rotation/remembered.ts';
import type { RotationSettings } from './rotation-function-settings.ts';
import { openWorldOf, type RotationWorld } from './rotation-function-world.ts';

/** What Secrets Manager sends. */
export interface RotationEvent {
  /** `createSecret` or `create_secret`, and so on. */
  readonly Step: string;
  readonly SecretId: string;
  /** Version of the new value. */
  readonly ClientRequestToken: string;
  readonly RotationToken?: string;
}

export interface StepOptions {
  /** PEM of RDS's authorities. */
  readonly ca: string;
  /** When the step has to have ended. Milliseconds since 1970. */
  readonly deadline: number;
  readonly pollMs?: number;
}

const pollMs = 1_000;
/** Retiring behind a proxy takes four; each is absolute, so one that is asked for again and again does not show. */
const mostEffects = 12;

/**
 * One step of a rotation by Secrets Manager. What may be done again is done again, and what is done is left: a step is called
 * anew when it has failed, or its answer was lost.
 *
 * @throws UserError NO_SUCH_STEP, OTHER_SECRET, ROTATION_DISABLED, NO_SUCH_VERSION, NOT_PENDING, STEP_IMPOSSIBLE, STEP_TIME_OVER
 */
export async function runRotationStep(
  context: Context,
  settings: RotationSettings,
  event: RotationEvent,
  options: StepOptions,
): Promise<void> {
  const step = parseRotationStep(event.Step);
  if (step === undefined)
    throw new UserError('NO_SUCH_STEP', `"${event.Step}" is no step of a rotation`, {
      suggestions: [`the steps are ${rotationSteps.join(', ')}`],
    });
  if (event.SecretId !== settings.secret)
    throw new UserError(
      'OTHER_SECRET',
      `this function rotates ${settings.secret}, and not ${event.SecretId}`,
      {
        suggestions: ['lambdapg rotate-creds --emit-lambda <folder> writes one for each stage'],
      },
    );
  const world = await openWorldOf(context, settings, event.RotationToken, options.ca);
  const described = await world.secret.describe();
  if (verifyVersion(event, described) === 'done') {
    context.report({ type: 'rotation-step', message: `${step}: this version is AWSCURRENT already` });
    return;
  }
  const run = new StepRun(context, world, { step, token: event.ClientRequestToken, settings, options });
  // Looking needs no lease.
  if (step === 'testSecret') await run.run(described.lastRotatedAt);
  else await world.database.withLease(() => run.run(described.lastRotatedAt));
}

/** The guards of AWS's own functions. */
function verifyVersion(
  { ClientRequestToken: token, SecretId }: RotationEvent,
  { rotationEnabled, versions }: Awaited<ReturnType<RotationWorld['secret']['describe']>>,
): 'done' | 'pending' {
  if (!rotationEnabled)
    throw new UserError('ROTATION_DISABLED', `secret ${SecretId} has no rotation`, {
      suggestions: [
        `aws secretsmanager rotate-secret --secret-id ${SecretId} --rotation-lambda-arn <this function>`,
      ],
    });
  const stages = versions[token];
  if (stages === undefined)
    throw new UserError('NO_SUCH_VERSION', `secret ${SecretId} has no version ${token} to rotate to`);
  if (stages.includes('AWSCURRENT')) return 'done';
  if (stages.includes('AWSPENDING')) return 'pending';
  throw new UserError('NOT_PENDING', `version ${token} of secret ${SecretId} is not AWSPENDING`, {
    suggestions: ['another rotation has begun since: it is rotated by that one'],
  });
}

interface StepScene {
  readonly step: RotationStep;
  readonly token: string;
  readonly settings: RotationSettings;
  readonly options: StepOptions;
}

class StepRun {
  readonly #context: Context;
  readonly #world: RotationWorld;
  readonly #scene: StepScene;
  readonly #wish: Omit<Wish, 'start'>;
  readonly #key = randomBytes(32);
  readonly #readiness = proxyReadiness();
  readonly #refused = new Set<string>();
  #effects = 0;

  constructor(context: Context, world: RotationWorld, scene: StepScene) {
    this.#context = context;
    this.#world = world;
    this.#scene = scene;
    this.#wish = {
      ...{ strategy: 'slots', rollback: false, repair: false, acceptWindow: false, canary: [100] },
      ...{ retire: 'scramble', terminate: 'idle', drainMs: scene.settings.drainSeconds * 1000 },
    };
  }

  async run(lastRotatedAt: number | undefined): Promise<void> {
    const { step, token, options } = this.#scene;
    const remembered = new Shifted(lastRotatedAt ?? 0);
    for (;;) {
      this.#context.signal.throwIfAborted();
      const seen = await this.#look(remembered);
      if (step === 'testSecret' && isConfigurationTest(seen)) return this.#testConfiguration(seen);
      const decision = decideStep(step, token, seen.observation, this.#wish, decide);
      switch (decision.next) {
        case 'done':
          return this.#tell(`done: ${decision.why}`);
        case 'fail':
          throw impossible(step, decision.why, decision.suggestions);
        case 'effect':
          await this.#do(decision.effect, seen);
          remembered.did(decision.effect);
          break;
        case 'wait':
          if (Date.now() > options.deadline) throw timeOver(step, decision.why);
          await sleep(options.pollMs ?? pollMs);
      }
    }
  }

  async #look(remembered: Shifted): Promise<Seen> {
    const wish = this.#wish;
    const options = {
      ...{ key: this.#key, wish, soakMs: 0, soakErrors: 1 },
      ...{ readiness: this.#readiness, refused: this.#refused },
    };
    const { parts } = this.#world;
    const read = async () => {
      const store = await parts.store.read();
      remembered.sinceAtLeast(store.current?.createdAt ?? 0);
      return store;
    };
    return observe({ ...parts, store: { ...parts.store, read } }, remembered, Date.now(), options);
  }

  async #do(effect: Effect, seen: Seen): Promise<void> {
    this.#effects += 1;
    if (this.#effects > mostEffects)
      throw impossible(this.#scene.step, `${describeEffect(effect)} does not show`, []);
    this.#tell(describeEffect(effect));
    await performEffect(this.#world.parts, effect, seen, this.#wish.drainMs ?? 0);
  }

  /** `rotate-secret --no-rotate-immediately` asks whether a rotation would work, with a version that has no value. */
  #testConfiguration({ observation: { current } }: Seen): void {
    if (loginOf(current) === 'ok') {
      this.#tell('the present login works at every endpoint');
      return;
    }
    const refusing = current?.logins.find(({ login }) => login !== 'ok');
    throw impossible(
      'testSecret',
      `the present login does not work: ${refusing?.endpoint ?? 'the secret is empty'} ${refusing?.why ?? ''}`.trim(),
      ['lambdapg rotate-creds --status says more'],
    );
  }

  #tell(what: string): void {
    this.#context.report({ type: 'rotation-step', message: `${this.#scene.step}: ${what}` });
  }
}

const isConfigurationTest = ({ store }: Seen): boolean => store.emptyPending !== undefined;

/** Nobody remembers the shift, but it was not after AWS saw the rotation end, nor before the value was made. */
class Shifted extends Remembered {
  #at: number;

  constructor(at: number) {
    super();
    this.#at = at;
  }

  sinceAtLeast(at: number): void {
    this.#at = Math.max(this.#at, at);
  }

  override shiftedSince(_labels: string, isSo: boolean): number | undefined {
    return isSo ? this.#at : undefined;
  }
}

const impossible = (step: RotationStep, why: string, suggestions: readonly string[]): UserError =>
  new UserError('STEP_IMPOSSIBLE', `${step} cannot be done: ${why}`, { suggestions });

const timeOver = (step: RotationStep, why: string): UserError =>
  new UserError('STEP_TIME_OVER', `${step} waited in vain: ${why}`, {
    exit: exitCodes.temporary,
    suggestions: ['Secrets Manager calls again'],
  });
