import { InvokeCommand } from '@aws-sdk/client-lambda';
import { errorMessage, exitCodes, UserError } from '../../../../errors.ts';
import type { Consumer, Proof } from '../../../../rotation/parts.ts';
import { explainAwsError } from '../../explain.ts';
import { type ConsumerWorld, type FunctionPlace, titleOf } from './function-consumer.ts';

/** What a function is asked with: the connection module's probe unless told; false: it must not be invoked. */
export type Asking = Readonly<Record<string, unknown>> | false;

/** The connection module answers it by itself, from a new connection with login freshly read. */
export const probeKey = 'lambdapg:probe';
export const probe: Exclude<Asking, false> = { [probeKey]: 1 };

/** `prove`, or why not. @param places all of them have to agree */
export function proverOf(
  world: ConsumerWorld,
  places: () => Promise<readonly FunctionPlace[]>,
  asking: Asking,
): Pick<Consumer, 'prove' | 'unproved'> {
  if (asking === false)
    return { unproved: 'lambdapg.json says that it is not to be invoked ("event": false)' };
  return {
    async prove() {
      const proofs: Proof[] = [];
      for (const place of await places()) proofs.push(await askFunction(world, place, asking));
      return together(proofs);
    },
  };
}

/** All of them have to be well, and to log in as the same user. */
function together(proofs: readonly Proof[]): Proof {
  const [first = { ok: false, detail: 'there is nobody to ask' }] = proofs;
  const wrong = proofs.find(({ ok }) => !ok);
  if (wrong !== undefined) return wrong;
  const users = new Set(proofs.map(({ user }) => user ?? 'somebody'));
  if (users.size < 2) return first;
  return { ok: false, detail: `its versions log in as ${[...users].join(' and ')}` };
}

/**
 * Invokes one version by itself, before it gets any traffic.
 *
 * @param user whose login it is to have; undefined: any
 * @throws UserError CONSUMER_PROBE_FAILED
 */
export async function verifyVersionLogin(
  world: ConsumerWorld,
  place: FunctionPlace,
  asking: Asking,
  user: string | undefined,
): Promise<void> {
  if (asking === false) return;
  const proof = await askFunction(world, place, asking);
  const isOther = user !== undefined && proof.user !== undefined && proof.user !== user;
  if (proof.ok && !isOther) return;
  const detail = proof.ok ? `it logs in as ${proof.user}, not as ${user}` : proof.detail;
  throw new UserError(
    'CONSUMER_PROBE_FAILED',
    `${titleOf(place)} does not work with the new login: ${detail}`,
    {
      exit: exitCodes.open,
      suggestions: [
        'no traffic was given to it',
        'lambdapg rotate-creds --resume asks it again, --rollback takes everything back',
      ],
    },
  );
}

/** One invocation. Its answer may hold anything: of it no more than a user name or an error's code is passed on. */
export async function askFunction(
  { aws }: ConsumerWorld,
  place: FunctionPlace,
  asking: Exclude<Asking, false>,
): Promise<Proof> {
  const { name: FunctionName, qualifier: Qualifier } = place;
  try {
    const Payload = Buffer.from(JSON.stringify(asking));
    const answer = await aws.read.lambda.send(new InvokeCommand({ FunctionName, Qualifier, Payload }));
    const text = Buffer.from(answer.Payload ?? []).toString('utf8');
    const value = parseJson(text);
    if (answer.FunctionError !== undefined) return { ok: false, detail: errorIn(value) };
    return probeKey in asking ? readProbe(value) : readAnswer(value);
  } catch (error) {
    return { ok: false, detail: errorMessage(explainAwsError(error, titleOf(place))) };
  }
}

/** A function that throws names the class of its error; the message may hold a URL with a password. */
function errorIn(value: unknown): string {
  const type = isRecord(value) && typeof value.errorType === 'string' ? value.errorType : 'an error';
  return `it throws ${type.slice(0, 80)}`;
}

function readProbe(value: unknown): Proof {
  if (!isRecord(value) || value[probeKey] !== 1) {
    return {
      ok: false,
      detail:
        'it does not answer the probe of the connection module: lambdapg upgrade and a deployment bring one that does, or "event" in lambdapg.json names what to ask with',
    };
  }
  if (value.ok !== true) return { ok: false, detail: `${text(value.code)}: ${text(value.message)}` };
  const user = text(value.user);
  return { ok: true, user, detail: `logs in as ${user}, acts as ${text(value.role)}` };
}

const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 200) : 'no text');

/** Any function's own answer: what it calls `user`, wherever that stands. */
function readAnswer(value: unknown): Proof {
  const status = isRecord(value) && typeof value.statusCode === 'number' ? value.statusCode : 200;
  if (status >= 400) return { ok: false, detail: `it answers with status ${status}` };
  const user = findUser(value, 0);
  if (user === undefined) return { ok: true, detail: 'answers, but names no "user"' };
  return { ok: true, user, detail: `says that it logs in as ${user}` };
}

const deepest = 6;

function findUser(value: unknown, depth: number): string | undefined {
  if (depth > deepest) return undefined;
  // An HTTP answer holds its JSON as text.
  if (typeof value === 'string')
    return /^\s*[[{]/.test(value) ? findUser(parseJson(value), depth + 1) : undefined;
  if (Array.isArray(value)) return firstOf(value, depth);
  if (!isRecord(value)) return undefined;
  return typeof value.user === 'string' ? value.user : firstOf(Object.values(value), depth);
}

function firstOf(values: readonly unknown[], depth: number): string | undefined {
  for (const value of values) {
    const found = findUser(value, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}
