import type { FunctionConfiguration } from '@aws-sdk/client-lambda';
import type { ConsumerConfig } from '../../../../project/rotation-schema.ts';
import { functionNameOf } from '../../stage.ts';
import { parseFunction } from '../consumers/consumers.ts';
import { type ConsumerWorld, latest, titleOf } from '../consumers/function-consumer.ts';
import { listCopies } from './find-consumers-copies.ts';
import { type FunctionEvidence, findInEnvironment } from './find-consumers-environment.ts';
import { listFunctions, listLiveAliases } from './find-consumers-functions.ts';
import { readersByPolicy } from './find-consumers-policies.ts';
import { functionsConnected } from './find-consumers-sessions.ts';
import type { ConsumerCandidate, Traces } from './find-consumers-traces.ts';

export interface FoundConsumers {
  readonly candidates: readonly ConsumerCandidate[];
  /** What could not be looked at, and why: somebody may be missing. */
  readonly unseen: readonly string[];
}

/**
 * Who may hold the login of a stage, by secret and host in environments and policies, by present connections, and by the names of
 * parameters and secrets, whose values are not read. Changes nothing.
 */
export async function findConsumers(world: ConsumerWorld, traces: Traces): Promise<FoundConsumers> {
  const unseen: string[] = [];
  const functions = await listFunctions(world, unseen);
  const found = new Map<string, FunctionEvidence[]>();
  const note = (name: string, ...evidence: FunctionEvidence[]): void => {
    if (evidence.length > 0) found.set(name, [...(found.get(name) ?? []), ...evidence]);
  };
  for (const one of functions) note(one.FunctionName ?? '', ...findInEnvironment(one, traces));
  for (const [name, text] of await readersByPolicy(world, functions, traces, unseen)) note(name, { text });
  const connected = await functionsConnected(world, traces.sessions ?? [], unseen);
  for (const [name, text] of connected.functions) note(name, { text });
  const byName = new Map(functions.map((one) => [one.FunctionName ?? '', one]));
  const candidates = await Promise.all(
    [...found].map(([name, evidence]) => describe(world, name, evidence, byName.get(name), unseen)),
  );
  const copies = await listCopies(world, traces, listedNames(world), unseen);
  return { candidates: [...candidates.sort(byId), ...copies, ...connected.others], unseen };
}

const byId = (one: ConsumerCandidate, two: ConsumerCandidate): number => one.id.localeCompare(two.id);

async function describe(
  world: ConsumerWorld,
  name: string,
  evidence: readonly FunctionEvidence[],
  configuration: FunctionConfiguration | undefined,
  unseen: string[],
): Promise<ConsumerCandidate> {
  const listed = listedNames(world).has(name);
  const best = evidence.find(({ entry }) => entry !== undefined)?.entry;
  const aliases = await listLiveAliases(world, name, unseen);
  const common = {
    id: titleOf({ name, qualifier: latest }),
    evidence: evidence.map(({ text }) => text),
    listed,
  };
  if (listed) return common;
  const [alias] = aliases;
  const entry: ConsumerConfig = {
    function: name,
    ...(alias !== undefined && { alias }),
    credentials: best?.credentials ?? 'cached',
    ...(best?.variables !== undefined && { variables: best.variables }),
  };
  const notes = [
    ...(aliases.length > 1 ? [`it has the aliases ${aliases.join(', ')}`] : []),
    ...(best === undefined
      ? ['"start" instead of "cached" where it reads the secret once in each execution environment']
      : []),
    ...(configuration === undefined ? ['no function of that name was seen'] : []),
  ];
  return { ...common, entry, ...(notes.length > 0 && { note: notes.join('; ') }) };
}

/** Plain names of functions, parameters and secrets that are known already. */
function listedNames({ stage }: ConsumerWorld): Set<string> {
  const named = (text: string): string => text.replaceAll('{stage}', stage.stage);
  return new Set([
    ...Object.keys(stage.config.functions).map((name) => functionNameOf(stage, name)),
    ...stage.cloud.rotation.consumers.map((consumer) => {
      if ('parameter' in consumer) return named(consumer.parameter);
      if ('secret' in consumer) return named(consumer.secret);
      return parseFunction(named(consumer.function)).name.replace(/^arn:.*:function:/, '');
    }),
  ]);
}
