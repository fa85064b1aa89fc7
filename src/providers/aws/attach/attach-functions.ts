import { ListVersionsByFunctionCommand } from '@aws-sdk/client-lambda';
import { UserError } from '../../../errors.ts';
import { type Applied, applyPlan } from '../../../provision/apply.ts';
import { planProvision, verifyPlan } from '../../../provision/plan.ts';
import { survey } from '../../../provision/survey.ts';
import { explainAwsError } from '../explain.ts';
import { withRunLock } from '../run-lock.ts';
import { type Proof, proveAttachment } from './attach-proof.ts';
import type { AttachTarget } from './attach-target.ts';
import { type AttachWorld, attachEngine, takeAttachLook } from './attach-world.ts';
import type { PlannedAttach, WiredFunction } from './plan-attach.ts';

export interface Attached {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly proofs: readonly Proof[];
}

/** The lock of every run of attach and detach: two functions may share a role, a group or a proxy. */
export const attachLock = { prefix: 'attach' };

/**
 * Carries out an approved plan, then has each function's way looked at from where it stands.
 *
 * @throws as `applyPlan`; UserError PROOF_FAILED when a function does not get through
 */
export async function attachFunctions(
  world: AttachWorld,
  { steps, found, shown, wired, target }: PlannedAttach,
): Promise<Attached> {
  const { context, aws } = world;
  try {
    return await withRunLock(context, { aws, stage: attachLock }, 'lambdapg attach', async () => {
      const now = shown.plan.changes === 0 ? found : await survey(steps, takeAttachLook(aws));
      verifyPlan(planProvision(steps, now));
      const applied: Applied = await applyPlan(context, attachEngine(world), steps, now);
      const { created, updated } = applied;
      const proofs: Proof[] = [];
      for (const one of wired) proofs.push(await proveOne(world, one, target));
      verifyProofs(proofs);
      await warnOfVersions(world, wired);
      return { created, updated, proofs };
    });
  } catch (error) {
    throw explainAwsError(error, 'lambdapg attach');
  }
}

async function proveOne(
  world: AttachWorld,
  { fn, patches, wiring }: WiredFunction,
  { facts, ca }: AttachTarget,
): Promise<Proof> {
  const { name, roleArn } = fn;
  if (patches.length > 0) {
    const why = 'the patch is to be applied first; run the same command again then';
    return report(world, { function: name, verdict: 'unproved', steps: [], why });
  }
  const found = await takeAttachLook(world.aws).getFunction(name);
  const { VpcConfig: vpc, Environment: environment } = found?.Configuration ?? {};
  const place = { name, roleArn, subnetIds: vpc?.SubnetIds ?? [], groupIds: vpc?.SecurityGroupIds ?? [] };
  // Files that its variables name are in its own package.
  const names = Object.keys(wiring.variables.set).filter((key) => !/CERT/.test(key));
  const variables = Object.fromEntries(names.map((key) => [key, environment?.Variables?.[key] ?? '']));
  const proof = await proveAttachment(world, place, { facts, variables, ...(ca !== undefined && { ca }) });
  return report(world, proof);
}

function report({ context }: AttachWorld, proof: Proof): Proof {
  const { function: name, verdict, why, steps } = proof;
  const last = steps.at(-1);
  if (verdict === 'proved') {
    const message = `${name} reaches its database: ${last?.detail ?? 'it answers'}`;
    context.report({ type: 'attach-proved', ...proof, message });
  } else if (verdict === 'unproved') {
    context.report({
      type: 'attach-unproved-warning',
      ...proof,
      message: `${name} is not proved to reach its database: ${why}`,
    });
  }
  return proof;
}

function verifyProofs(proofs: readonly Proof[]): void {
  const failed = proofs.filter(({ verdict }) => verdict === 'failed');
  if (failed.length === 0) return;
  const lines = failed.map(({ function: name, steps }) => {
    const last = steps.find(({ ok }) => !ok);
    const passed = steps.filter(({ ok }) => ok).map(({ stage }) => stage);
    const before = passed.length === 0 ? '' : ` (${passed.join(', ')} went well)`;
    return `${name} does not reach its database: ${last?.stage ?? 'it'} failed${before}: ${last?.detail ?? ''}`;
  });
  throw new UserError('PROOF_FAILED', lines.join('\n'), {
    suggestions: [
      'run the same command again once that is put right: it looks again',
      `lambdapg detach --function ${failed.map(({ function: name }) => name).join()} takes it all back`,
    ],
  });
}

/** What was published stays as it was. https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html */
async function warnOfVersions({ aws, context }: AttachWorld, wired: readonly WiredFunction[]): Promise<void> {
  for (const { fn } of wired) {
    const { Versions = [] } = await aws.read.lambda
      .send(new ListVersionsByFunctionCommand({ FunctionName: fn.name }))
      .catch(() => ({ Versions: [] }));
    if (Versions.every(({ Version }) => Version === '$LATEST')) continue;
    const message = `the published versions of ${fn.name} stay as they were: publish a new one and move its aliases`;
    context.report({ type: 'versions-warning', function: fn.name, message });
  }
}
