import type { Context } from '../../../context.ts';
import { UserError } from '../../../errors.ts';
import { liveAlias } from '../functions/deployment.ts';
import {
  askUrl,
  type Health,
  type HealthRequest,
  invokeHealth,
  isHealthy,
  logOf,
  untilHealthy,
} from '../functions/health.ts';
import type { OpenWorld } from '../open-world.ts';
import { type Completed, completeStage } from './complete-stage.ts';

export interface EngineDeployed extends Completed {
  readonly url?: string;
  /** Of the health path at that URL. */
  readonly health?: Pick<Health, 'status' | 'ms'>;
}

/** A new name of API Gateway is known everywhere within seconds, and a new database's logins were made a moment ago. */
const pausesMs = [1_000, 2_000, 4_000, 8_000, 15_000];

/**
 * After the engine has made its resources: secrets get values, the database its roles, and the URL is asked.
 *
 * @throws UserError URL_FAILED; those of `completeStage`
 */
export async function finishDeploy(
  context: Context,
  world: OpenWorld,
  outputs: Readonly<Record<string, string>>,
  health: HealthRequest | undefined,
): Promise<EngineDeployed> {
  const completed = await completeStage(context, world);
  const url = outputs.url?.replace(/\/$/, '');
  if (url === undefined) return completed;
  if (health === undefined) return { ...completed, url };
  const asked = `${url}${health.path}`;
  const answer = await untilHealthy(world, () => askUrl(world, asked), pausesMs);
  if (!isHealthy(answer)) {
    const said = `${answer.status === 0 ? 'nothing' : answer.status}: ${answer.text}`;
    // Past the API the function's log comes along.
    const log = await invokeHealth(world, health, liveAlias).then(logOf, () => []);
    throw new UserError('URL_FAILED', [`${asked} answers ${said}`, ...log].join('\n'), {
      suggestions: [
        `lambdapg migrate --stage ${world.stage.stage}, when a table is missing`,
        'the engine does not go back to the former version by itself: deploy that again',
      ],
    });
  }
  const { status, ms } = answer;
  return { ...completed, url, health: { status, ms } };
}
