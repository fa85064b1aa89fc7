import { gunzipSync, gzipSync } from 'node:zlib';
import type { ReportEvent } from '../../../context.ts';
import type { ConnectionTarget } from '../../../database/target.ts';
import type { WireError } from '../../../jobs/wire-error.ts';
import { Secret } from '../../../secret.ts';

/*
 * What command line and runner say to each other, in one synchronous invocation each. Everything is JSON, compressed, in one
 * field: passwords, statements and rows stand nowhere in clear text, and Lambda logs no payloads.
 */

/** A target whose password was asked for: IAM tokens are made here, since the runner has no permission to make one. */
export type WireTarget = Omit<ConnectionTarget, 'password'> & { readonly password: Secret };

/** Where bytes wait that one invocation cannot carry. */
export interface Storage {
  readonly target: WireTarget;
  readonly ownerRole?: string;
  readonly run: string;
  readonly origin: string;
}

export type RunnerRequest =
  | {
      readonly op: 'run';
      readonly job: string;
      readonly input: unknown;
      readonly target: WireTarget;
      readonly storage: Storage;
      /** lambdapg's, for what a job records. */
      readonly version: string;
      /** The project's files as a compressed tar: in the invocation's `chunk` (0), or that many chunks in the storage. */
      readonly files?: { readonly chunks: number };
    }
  | { readonly op: 'put'; readonly storage: Storage; readonly sequence: number }
  | { readonly op: 'get'; readonly storage: Storage; readonly sequence: number }
  | { readonly op: 'drop'; readonly storage: Storage }
  /** Cancels the job of the same storage, which another invocation is doing. */
  | { readonly op: 'cancel'; readonly storage: Storage };

export interface RunnerAnswer {
  readonly output?: unknown;
  readonly error?: WireError;
  readonly events: readonly ReportEvent[];
}

/** The event of an invocation, and its result. */
export interface Payload {
  readonly lambdapg: typeof wireVersion;
  /** base64 of the compressed JSON of a request or an answer. */
  readonly json?: string;
  /** base64 of bytes that are compressed already. */
  readonly chunk?: string;
  /** The answer's JSON is too long for a payload: so many chunks of it are in the storage. */
  readonly chunks?: number;
}

/** Raised when either side could misunderstand the other. */
export const wireVersion = 1;

/**
 * Bytes in one invocation. Lambda takes and gives 6 MB, of which base64 leaves three quarters, and the rest of the request
 * needs room. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const chunkBytes = 4 * 1024 * 1024;

interface WireSecret {
  readonly $secret: string;
}

/** Compressed JSON; a `Secret` is written out, as nothing else does it. */
export function encode(value: unknown): Buffer {
  const json = JSON.stringify(value, function replace(this: Readonly<Record<string, unknown>>, key, plain) {
    // JSON.stringify has asked `toJSON` before, which hides the secret.
    const raw = this[key];
    return raw instanceof Secret ? ({ $secret: raw.reveal() } satisfies WireSecret) : plain;
  });
  return gzipSync(json);
}

export function decode(bytes: Buffer): unknown {
  return JSON.parse(gunzipSync(bytes).toString('utf8'), (_key, value: unknown) =>
    isWireSecret(value) ? new Secret(value.$secret) : value,
  );
}

function isWireSecret(value: unknown): value is WireSecret {
  return (
    typeof value === 'object' && value !== null && '$secret' in value && typeof value.$secret === 'string'
  );
}
