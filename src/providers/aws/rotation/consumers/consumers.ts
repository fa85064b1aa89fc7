import {
  type AliasConfiguration,
  type EventSourceMappingConfiguration,
  ListAliasesCommand,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import type { FunctionConsumerConfig } from '../../../../project/rotation-schema.ts';
import type { Consumer } from '../../../../rotation/parts.ts';
import { explainAwsError } from '../../explain.ts';
import { liveAlias } from '../../functions/deployment.ts';
import { isGone, unlessGone } from '../../judge.ts';
import { functionNameOf } from '../../stage.ts';
import { aliasConsumer } from './alias-consumer.ts';
import { type Carrier, markerCarrier, variablesCarrier } from './environment-carrier.ts';
import { followingConsumer } from './following-consumer.ts';
import {
  type ConsumerWorld,
  type FunctionPlace,
  latest,
  lookAtFunction,
  titleOf,
  variablesOf,
} from './function-consumer.ts';
import { pinnedConsumer } from './function-consumer-pinned.ts';
import { latestConsumer } from './latest-consumer.ts';
import { parameterCopy } from './parameter-copy.ts';
import { type Asking, probe } from './prove.ts';
import { secretCopy } from './secret-copy.ts';

export interface Followed {
  /** ARN of the secret that is rotated. */
  readonly secretArn: string;
}

/**
 * Everybody who gets or holds the login of a stage: its own functions, which are deployed, and those of `lambdapg.json`.
 *
 * @throws AWS's errors, explained
 */
export async function consumersOf(world: ConsumerWorld, { secretArn }: Followed): Promise<Consumer[]> {
  const { config, cloud } = world.stage;
  const own = Object.keys(config.functions).map((name) => ownFunction(world, name, secretArn));
  const listed = cloud.rotation.consumers.map(async (consumer): Promise<Consumer[]> => {
    const named = <T extends string>(text: T): string => text.replaceAll('{stage}', world.stage.stage);
    if ('parameter' in consumer)
      return [parameterCopy(world, { ...consumer, parameter: named(consumer.parameter) })];
    if ('secret' in consumer) return [secretCopy(world, { ...consumer, secret: named(consumer.secret) })];
    return listedFunction(world, { ...consumer, function: named(consumer.function) }, secretArn);
  });
  const all = (await Promise.all([...own, ...listed])).flat();
  // One that is listed and our own: as it is listed.
  return [...new Map(all.map((consumer) => [consumer.id, consumer])).values()];
}

/** A function that is not deployed holds nothing. */
async function ownFunction(world: ConsumerWorld, short: string, secretArn: string): Promise<Consumer[]> {
  const name = functionNameOf(world.stage, short);
  const aliases = await listAliases(world, name);
  if (aliases === undefined) return [];
  const qualifiers = aliases.some(({ Name }) => Name === liveAlias) ? [liveAlias] : [latest];
  return qualifiers.map((qualifier) =>
    followingConsumer(world, { name, qualifier }, { secretArn, isModule: true, asking: probe }),
  );
}

async function listedFunction(
  world: ConsumerWorld,
  listed: FunctionConsumerConfig,
  secretArn: string,
): Promise<Consumer[]> {
  const { name, qualifier } = parseFunction(listed.function);
  const alias = listed.alias ?? qualifier;
  const { credentials, cacheSeconds } = listed;
  const asking: Asking = listed.event ?? probe;
  if (credentials === 'module' || credentials === 'cached') {
    const age = cacheSeconds === undefined ? {} : { cacheSeconds };
    const following = { secretArn, isModule: credentials === 'module', asking, ...age };
    return [followingConsumer(world, { name, qualifier: alias ?? latest }, following)];
  }
  const who = titleOf({ name, qualifier: latest });
  const carrier = credentials === 'start' ? markerCarrier : variablesCarrier(listed.variables, who);
  return holdingConsumers(world, name, alias, carrier, asking);
}

/** A name or an ARN, with a qualifier or without. */
export function parseFunction(spelled: string): { name: string; qualifier?: string } {
  const [, name = spelled, qualifier] =
    /^((?:arn:[^:]+:lambda:[^:]*:[^:]*:function:)?[^:]+)(?::([\w$-]+))?$/.exec(spelled) ?? [];
  return { name, ...(qualifier !== undefined && { qualifier }) };
}

/**
 * A function that holds the login in itself: every alias of it does, `$LATEST` does, which the next deployment publishes, and a
 * version that somebody calls by its number.
 */
async function holdingConsumers(
  world: ConsumerWorld,
  name: string,
  alias: string | undefined,
  carrier: Carrier,
  asking: Asking,
): Promise<Consumer[]> {
  const found = (await listAliases(world, name)) ?? [];
  const holding: string[] = [];
  for (const { Name = '', FunctionVersion } of found) {
    if (FunctionVersion === latest) continue;
    if (await isCarried(world, { name, qualifier: Name }, carrier)) holding.push(Name);
  }
  const isLatest =
    alias === latest ||
    found.some(({ Name, FunctionVersion }) => Name === alias && FunctionVersion === latest);
  // The one that is listed, also when it is not there: that is to be said, not left out.
  const names = new Set([...(alias === undefined || isLatest ? [] : [alias]), ...holding]);
  const pinned: { version: string; by: string }[] = [];
  for (const one of await listPinned(world, name))
    if (await isCarried(world, { name, qualifier: one.version }, carrier)) pinned.push(one);
  return [
    ...[...names].map((qualifier) => aliasConsumer(world, { name, qualifier }, carrier, asking)),
    latestConsumer(world, name, carrier, asking),
    ...pinned.map(({ version, by }) => pinnedConsumer(world, { name, qualifier: version }, by, carrier)),
  ];
}

/** Whether a version has variables of a login. Of one that reads the store nothing can be seen: it counts. */
async function isCarried(world: ConsumerWorld, place: FunctionPlace, carrier: Carrier): Promise<boolean> {
  const { configuration, state } = await lookAtFunction(world, place);
  const variables = variablesOf(configuration);
  return (
    !carrier.beforePromotion ||
    state === 'hidden' ||
    carrier.names(variables).some((name) => variables[name] !== undefined)
  );
}

/** Undefined: there is no such function. */
async function listAliases(
  world: ConsumerWorld,
  FunctionName: string,
): Promise<AliasConfiguration[] | undefined> {
  const title = titleOf({ name: FunctionName, qualifier: latest });
  const found: AliasConfiguration[] = [];
  let Marker: string | undefined;
  try {
    do {
      const command = new ListAliasesCommand({ FunctionName, Marker });
      const { Aliases = [], NextMarker } = await world.aws.read.lambda.send(command);
      found.push(...Aliases);
      Marker = NextMarker === '' ? undefined : NextMarker;
    } while (Marker !== undefined);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw explainAwsError(error, title);
  }
  if (found.length > 0) return found;
  const { configuration } = await lookAtFunction(world, { name: FunctionName, qualifier: latest });
  return configuration === undefined ? undefined : found;
}

/** Versions that an event source calls by their number. */
async function listPinned(
  { aws }: ConsumerWorld,
  FunctionName: string,
): Promise<{ version: string; by: string }[]> {
  const mappings: EventSourceMappingConfiguration[] = [];
  let Marker: string | undefined;
  do {
    const command = new ListEventSourceMappingsCommand({ FunctionName, Marker });
    const page = await unlessGone(aws.read.lambda.send(command)).catch((error: unknown) => {
      throw explainAwsError(error, `event sources of ${FunctionName}`);
    });
    mappings.push(...(page?.EventSourceMappings ?? []));
    Marker = page?.NextMarker === '' ? undefined : page?.NextMarker;
  } while (Marker !== undefined);
  return mappings.flatMap(({ FunctionArn = '', EventSourceArn = 'an event source', State }) => {
    const [, version] = /:(\d+)$/.exec(FunctionArn) ?? [];
    return version === undefined || State === 'Disabled' ? [] : [{ version, by: EventSourceArn }];
  });
}
