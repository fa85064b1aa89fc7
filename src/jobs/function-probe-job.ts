import { settingsFromEnvironment } from '../../templates/runtime-node/lambdapg-runtime/settings.ts';
import type { Job } from '../database/route.ts';
import { errorCode, errorMessage } from '../errors.ts';
import { Secret } from '../secret.ts';
import { type ProbeInput, type ProbeOutput, type ProbeStep, probeJob } from './probe-job.ts';

export interface FunctionProbeInput extends ProbeInput {
  /** Of a function that is to reach the database: what its connection runtime reads. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * The probe as a function would do it: the login comes from its variables and from the role that this runs with, by the very
 * code of the connection runtime. No credential is brought along: the target's user and password are not used.
 */
export const functionProbeJob: Job<FunctionProbeInput, ProbeOutput> = {
  name: 'function-probe',
  async work(context, target, { variables, timeoutMs }) {
    const startedAt = performance.now();
    const step = (ok: boolean, detail: string, code?: string): ProbeStep => ({
      ...{ stage: 'credentials', ok, detail },
      durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
      ...(code !== undefined && { code }),
    });
    try {
      const { credentials } = settingsFromEnvironment({ ...context.env, ...variables });
      const { user, password } = await inTime(credentials(), timeoutMs);
      const how = variables.LAMBDAPG_DB_AUTH === 'iam' ? 'a token of its role' : 'its secret';
      const first = step(true, `${user}, by ${how}`);
      const { ok, steps } = await probeJob.work(
        context,
        { ...target, user, password: new Secret(password) },
        { timeoutMs },
      );
      return { ok, steps: [first, ...steps] };
    } catch (error) {
      return { ok: false, steps: [step(false, errorMessage(error), errorCode(error))] };
    }
  },
};

async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
