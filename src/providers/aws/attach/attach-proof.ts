import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateFunctionCommand, DeleteFunctionCommand, GetFunctionCommand } from '@aws-sdk/client-lambda';
import type { Context } from '../../../context.ts';
import { errorCode, errorMessage } from '../../../errors.ts';
import { type FunctionProbeInput, functionProbeJob } from '../../../jobs/function-probe-job.ts';
import type { ProbeStep } from '../../../jobs/probe-job.ts';
import { readTree } from '../../../project/package/read-tree.ts';
import { zipFiles } from '../../../project/package/zip-files.ts';
import { removeStep, settleStep } from '../../../provision/settle.ts';
import type { TargetFacts } from '../../../provision/wiring-facts.ts';
import { Secret } from '../../../secret.ts';
import { unlessGone } from '../judge.ts';
import { runnerCodeDir, runnerFunction } from '../routes/runner-function.ts';
import { runnerRoute } from '../routes/runner-route.ts';
import { absent } from '../steps/tagged.ts';
import { attachFunctionTag, probeName } from './attach-names.ts';
import { type AttachStep, type AttachWorld, attachEngine, takeAttachLook } from './attach-world.ts';

/** Whether a function's way to its database is open, seen from where the function stands. */
export interface Proof {
  readonly function: string;
  /** `unproved`: nobody could be sent to look. */
  readonly verdict: 'proved' | 'failed' | 'unproved';
  readonly steps: readonly ProbeStep[];
  readonly why?: string;
}

export interface ProofPlace {
  readonly name: string;
  readonly roleArn: string;
  readonly subnetIds: readonly string[];
  readonly groupIds: readonly string[];
}

/** What the function reads, and the authority that it trusts. */
export interface ProofTarget {
  readonly facts: Pick<TargetFacts, 'host' | 'port' | 'database'>;
  readonly ca?: string;
  readonly variables: Readonly<Record<string, string>>;
}

const probeTimeoutMs = 8_000;
const probeSeconds = 60;
/** A rule or a policy that was just made takes seconds to be in force. */
const pausesMs = [1_000, 3_000, 6_000];

/**
 * Sends lambdapg's runner, as a function of a minute's life with the role, subnets and groups of the attached one, to log in as
 * that would. It is taken away again whatever happens; one that a killed run has left is taken away first.
 */
export async function proveAttachment(
  world: AttachWorld,
  place: ProofPlace,
  target: ProofTarget,
): Promise<Proof> {
  const probe = probeStep(world, place);
  const engine = attachEngine(world);
  // Taken away after Ctrl-C as well.
  const still: Context = { ...world.context, signal: new AbortController().signal };
  const remove = async (): Promise<void> =>
    removeStep(still, engine, probe, await probe.find(takeAttachLook(world.aws)));
  const none = { get: () => undefined as never };
  try {
    const found = await probe.find(takeAttachLook(world.aws));
    if (found.state === 'foreign') return unproved(place.name, found.why);
    if (found.state !== 'absent') await remove();
    await settleStep(world.context, engine, probe, none, absent);
    return await look(world, place.name, target);
  } catch (error) {
    const isRefusal = ['ACCESS_DENIED', 'RUNNER_REFUSED'].includes(errorCode(error) ?? '');
    if (!isRefusal) throw error;
    return unproved(place.name, `you may not have a function made that looks: ${errorMessage(error)}`);
  } finally {
    await remove().catch((error: unknown) => {
      const name = probeName(place.name);
      const message = `the function ${name} could not be removed: ${errorMessage(error)}`;
      world.context.report({ type: 'probe-left-warning', function: name, message });
    });
  }
}

async function look(
  { aws, context }: AttachWorld,
  name: string,
  { facts, ca, variables }: ProofTarget,
): Promise<Proof> {
  const { host, port, database } = facts;
  // The login is the function's own: none is sent.
  const nobody = { user: '', password: new Secret('') };
  const target = { host, port, database, ...nobody, tls: ca === undefined ? {} : { ca } };
  const route = runnerRoute(context, {
    lambda: aws.write.lambda,
    functionName: probeName(name),
    admin: target,
  });
  const input: FunctionProbeInput = { variables, timeoutMs: probeTimeoutMs };
  for (const pauseMs of [...pausesMs, 0]) {
    const { ok, steps } = await route.run(functionProbeJob, target, input);
    // A wrong password does not become right; a token may, once the role's policy is seen.
    const isFinal = ok || pauseMs === 0 || (steps.at(-1)?.stage === 'login' && !variables.LAMBDAPG_DB_AUTH);
    if (isFinal) return { function: name, verdict: ok ? 'proved' : 'failed', steps };
    await sleep(pauseMs, undefined, { signal: context.signal }).catch(() => {});
  }
  throw new Error('the last pause ends the loop');
}

const unproved = (name: string, why: string): Proof => ({
  function: name,
  verdict: 'unproved',
  steps: [],
  why,
});

/** The temporary function. */
export function probeStep(
  { aws, context }: AttachWorld,
  { name, roleArn, subnetIds, groupIds }: ProofPlace,
): AttachStep<null> {
  const FunctionName = probeName(name);
  return {
    id: `probe:${name}`,
    title: `proof of ${name}, by the function ${FunctionName}`,
    needs: [],
    patienceMs: 5 * 60_000,
    async find() {
      const found = await unlessGone(aws.read.lambda.send(new GetFunctionCommand({ FunctionName })));
      if (found?.Configuration === undefined) return absent;
      if (found.Tags?.[attachFunctionTag] !== name)
        return { state: 'foreign', why: `${FunctionName} exists and was not made by lambdapg` };
      const { State } = found.Configuration;
      return State === 'Pending'
        ? { state: 'pending', have: null, why: 'Pending' }
        : { state: 'ready', have: null };
    },
    async create() {
      const { handler, runtime, architecture, memoryMb } = runnerFunction;
      const zip = await zipFiles(await readTree(runnerCodeDir(context), () => true));
      await aws.write.lambda.send(
        new CreateFunctionCommand({
          FunctionName,
          Description: `lambdapg: looks whether ${name} reaches its database, then goes (${hashOf(zip)})`,
          Handler: handler,
          Runtime: runtime,
          Architectures: [architecture],
          MemorySize: memoryMb,
          Timeout: probeSeconds,
          Role: roleArn,
          Code: { ZipFile: zip },
          ...(subnetIds.length > 0 && {
            VpcConfig: { SubnetIds: [...subnetIds], SecurityGroupIds: [...groupIds] },
          }),
          Tags: { [attachFunctionTag]: name },
        }),
      );
    },
    async remove() {
      await aws.write.lambda.send(new DeleteFunctionCommand({ FunctionName }));
    },
  };
}

const hashOf = (zip: Buffer): string => createHash('sha256').update(zip).digest('hex').slice(0, 8);
