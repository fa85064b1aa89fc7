import { GetAliasCommand } from '@aws-sdk/client-lambda';
import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import { type Applied, applyPlan, applyRemoval } from '../../provision/apply.ts';
import { planProvision, verifyPlan } from '../../provision/plan.ts';
import { haveOf } from '../../provision/step.ts';
import { type Survey, survey } from '../../provision/survey.ts';
import { explainAwsError } from './explain.ts';
import { type AliasHave, shiftAlias } from './functions/alias-step.ts';
import { liveAlias } from './functions/deployment.ts';
import { askUrl, type Health, type HealthRequest, isHealthy, untilHealthy } from './functions/health.ts';
import type { ApiHave } from './functions/http-api.ts';
import { takeLook } from './look.ts';
import { engineOf } from './open-world.ts';
import type { PlannedDeploy } from './plan-deploy.ts';
import { withRunLock } from './run-lock.ts';
import { functionNameOf } from './stage.ts';
import type { World } from './steps/world.ts';

export interface Deployed {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly removed: readonly string[];
  readonly functions: readonly DeployedFunction[];
  /** Absent when no function has a route. */
  readonly url?: string;
  /** Of the health path at that URL. */
  readonly health?: Pick<Health, 'status' | 'ms'>;
}

export interface DeployedFunction {
  readonly name: string;
  /** What `live` is now. */
  readonly version: string;
  /** What it was, when this run has moved it. */
  readonly former?: string;
}

/** A new name of API Gateway is known everywhere within seconds. */
const newUrlPausesMs = [1_000, 2_000, 4_000, 8_000, 15_000];

/**
 * Carries out an approved deployment, alone on the stage, then calls its URL. When that answers badly, everything that this run has
 * moved goes back to its former version.
 *
 * @throws UserError HEALTH_CHECK_FAILED (nothing was moved), ROLLED_BACK, URL_FAILED; as `applyPlan`
 */
export async function deployStage(
  context: Context,
  world: World,
  planned: PlannedDeploy,
  health: HealthRequest | undefined,
): Promise<Deployed> {
  const { stage } = world;
  try {
    if (planned.shown.changes === 0) return await finish(world, planned, planned.found, nothing, health);
    return await withRunLock(context, world, `lambdapg deploy of ${stage.prefix}`, async () => {
      const found = await lookAgain(world, planned);
      verifyPlan(planProvision(planned.chosen, found));
      const applied = await applyPlan(context, engineOf(world), planned.chosen, found);
      const deployed = await finish(world, planned, found, applied, health);
      const { obsolete, foundObsolete, removal } = planned;
      const { removed } = await applyRemoval(context, engineOf(world), obsolete, foundObsolete, removal);
      return { ...deployed, removed };
    });
  } catch (error) {
    throw explainAwsError(error, `stage ${stage.prefix}`);
  }
}

const nothing: Applied = { created: [], updated: [], removed: [], haves: new Map() };

/** Another run may have been at work between the plan and the lock. The stage's own resources are taken as they were. */
async function lookAgain(world: World, { chosen, steps, found }: PlannedDeploy): Promise<Survey> {
  const own = chosen.filter((step) => steps.all.includes(step));
  return new Map([...found, ...(await survey(own, takeLook(world.aws, world.stage)))]);
}

async function finish(
  world: World,
  { steps, shown }: PlannedDeploy,
  before: Survey,
  applied: Applied,
  health: HealthRequest | undefined,
): Promise<Deployed> {
  const have = <T>(id: string): T | undefined =>
    (applied.haves.get(id) ?? haveOf(before.get(id) ?? { state: 'absent' })) as T | undefined;
  const functions = [...steps.functions].flatMap(([name, { alias }]): DeployedFunction[] => {
    const now = have<AliasHave>(alias.id)?.version;
    if (now === undefined) return [];
    const former = haveOf(before.get(alias.id) ?? { state: 'absent' }) as AliasHave | undefined;
    const isMoved = applied.updated.includes(alias.id) && former !== undefined;
    return [{ name, version: now, ...(isMoved && { former: former.version }) }];
  });
  const { created, updated } = applied;
  const api = steps.api === undefined ? undefined : have<ApiHave>(steps.api.id);
  const result = { created, updated, removed: [], functions };
  if (api === undefined) return result;
  if (health === undefined) return { ...result, url: api.url };
  const url = `${api.url}${health.path}`;
  const isNew = created.includes('http-api') || created.includes('http-routes');
  const answer = await untilHealthy(world, () => askUrl(world, url), isNew ? newUrlPausesMs : undefined);
  if (!isHealthy(answer)) throw await rollBack(world, functions, shown.changes, { url, answer });
  const { status, ms } = answer;
  return { ...result, url: api.url, health: { status, ms } };
}

/** @returns what to throw */
async function rollBack(
  world: World,
  functions: readonly DeployedFunction[],
  changes: number,
  { url, answer }: { readonly url: string; readonly answer: Health },
): Promise<UserError> {
  const what = `${url} answers ${answer.status === 0 ? 'nothing' : answer.status}: ${answer.text}`;
  const logs = `lambdapg tail --stage ${world.stage.stage}`;
  const moved = functions.filter(({ former }) => former !== undefined);
  if (moved.length === 0) {
    const why = changes === 0 ? 'this run has changed nothing' : 'there is no former version to go back to';
    return new UserError('URL_FAILED', `${what}\n${why}`, { suggestions: [logs] });
  }
  for (const { name, version, former = '' } of moved) await moveBack(world, name, version, former);
  const back = moved.map(({ name, version, former }) => `${name} from version ${version} to ${former}`);
  return new UserError('ROLLED_BACK', `${what}\nrolled back: ${back.join(', ')}`, {
    suggestions: [logs, 'the new versions are still there: lambdapg invoke <function> --qualifier <version>'],
  });
}

/** Only where the alias is still what this run has made of it. */
async function moveBack(world: World, name: string, version: string, former: string): Promise<void> {
  const { aws, stage } = world;
  const named = { FunctionName: functionNameOf(stage, name), Name: liveAlias };
  const { FunctionVersion, RevisionId } = await aws.read.lambda.send(new GetAliasCommand(named));
  if (FunctionVersion !== version) return;
  const have = { version, ...(RevisionId !== undefined && { revisionId: RevisionId }) };
  await shiftAlias(world, name, have, former);
}
