import { type AliasConfiguration, GetAliasCommand } from '@aws-sdk/client-lambda';
import { UserError } from '../../../../errors.ts';
import type { Consumer, ConsumerRead, StoreSeen } from '../../../../rotation/parts.ts';
import {
  type ConsumerWorld,
  type FunctionPlace,
  type FunctionSeen,
  latest,
  lookAtFunction,
  titleOf,
  unreachable,
  variablesOf,
} from './function-consumer.ts';
import { type Asking, proverOf } from './prove.ts';

export interface Following {
  /** ARN of the secret that is rotated. */
  readonly secretArn: string;
  /** lambdapg's connection module: tries AWSPENDING too, and says itself how long it keeps what it has read. */
  readonly isModule: boolean;
  /** How long another reader keeps it. */
  readonly cacheSeconds?: number;
  readonly asking: Asking;
}

/** Of the connection module, and of AWS's Parameters and Secrets extension. */
export const defaultCacheSeconds = 300;

/** A function that reads the secret by itself, again and again. */
export function followingConsumer(
  world: ConsumerWorld,
  place: FunctionPlace,
  following: Following,
): Consumer {
  const id = titleOf(place);
  return {
    id,
    async read(known) {
      const unseen = { kind: 'follows', takesNext: following.isModule, staged: false } as const;
      try {
        return { ...unseen, ...readOf(await versionsOf(world, place), following, known) };
      } catch (error) {
        const drainMs = drainOf([], following);
        return { ...unseen, holds: undefined, drainMs, ...unreachable(error, id) };
      }
    },
    async verify() {
      const seen = await versionsOf(world, place).catch(() => []);
      return following.isModule ? seen.flatMap((one) => verifyFollows(id, one, following)) : [];
    },
    ...proverOf(world, () => placesOf(world, place), following.asking),
  };
}

function readOf(
  seen: readonly FunctionSeen[],
  following: Following,
  { current }: StoreSeen,
): Pick<ConsumerRead, 'holds' | 'state' | 'why' | 'drainMs'> {
  // An environment that cannot be seen keeps nobody from reading the secret.
  const wrong = seen.find(({ state }) => state !== 'ready' && state !== 'hidden');
  return {
    holds: current?.login,
    state: wrong?.state ?? 'ready',
    ...(wrong?.why !== undefined && { why: wrong.why }),
    drainMs: drainOf(seen, following),
  };
}

/** The longest that one may go on with what it has read, and then a whole invocation. */
function drainOf(seen: readonly FunctionSeen[], { isModule, cacheSeconds }: Following): number {
  const each = seen.map(({ configuration }) => {
    const { LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS: own } = variablesOf(configuration);
    const age = isModule ? Number(own || defaultCacheSeconds) : (cacheSeconds ?? defaultCacheSeconds);
    const seconds = Number.isFinite(age) ? age : defaultCacheSeconds;
    return (seconds + (configuration?.Timeout ?? 3)) * 1_000;
  });
  return Math.max(0, ...each);
}

/** The version of an alias, both while it splits its traffic, or `$LATEST`. */
async function placesOf(world: ConsumerWorld, place: FunctionPlace): Promise<FunctionPlace[]> {
  const { name, qualifier } = place;
  if (qualifier === latest) return [place];
  const alias = await world.aws.read.lambda.send(
    new GetAliasCommand({ FunctionName: name, Name: qualifier }),
  );
  const versions = versionsBehind(alias);
  return versions.length < 2 ? [place] : versions.map((version) => ({ name, qualifier: version }));
}

export const versionsBehind = ({ FunctionVersion, RoutingConfig }: AliasConfiguration): string[] => [
  FunctionVersion ?? '',
  ...Object.keys(RoutingConfig?.AdditionalVersionWeights ?? {}),
];

async function versionsOf(world: ConsumerWorld, place: FunctionPlace): Promise<FunctionSeen[]> {
  const places = await placesOf(world, place);
  return Promise.all(places.map((one) => lookAtFunction(world, one)));
}

/** @throws UserError CONSUMER_NOT_FOLLOWING */
function verifyFollows(id: string, { configuration }: FunctionSeen, { secretArn }: Following): string[] {
  const { LAMBDAPG_SECRET_ARN: reads, PGPASSWORD, DATABASE_URL } = variablesOf(configuration);
  if (reads !== undefined && reads !== '') {
    const isIt = reads === secretArn || secretArn.replace(/^arn:.*:secret:/, '').startsWith(`${reads}-`);
    if (isIt || secretArn.startsWith(`${reads}-`)) return [];
    return [`${id} reads another secret (${reads}), which this does not rotate`];
  }
  if (PGPASSWORD === undefined && DATABASE_URL === undefined) return [];
  throw new UserError(
    'CONSUMER_NOT_FOLLOWING',
    `${id} has a password in its environment, so its connection module does not ask the secret`,
    {
      suggestions: [
        'list it in lambdapg.json with "credentials": "environment"',
        'or set LAMBDAPG_SECRET_ARN instead of the password',
      ],
    },
  );
}
