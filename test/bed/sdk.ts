import type { Bed } from './bed.ts';

/** Options of an SDK client of `bed`, or past the gate with `plain`. */
export function clientOptions(bed: Bed, { plain = false } = {}) {
  const environment = plain ? bed.plain : bed.environment;
  return {
    endpoint: bed.endpoint,
    region: bed.region,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID!,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
    },
    maxAttempts: 3,
  };
}

/** What a promise rejects with; throws when it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it succeeded');
}
