import {
  type FunctionConfiguration,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
} from '@aws-sdk/client-lambda';
import { exitCodes, UserError } from '../../../../errors.ts';
import { explainAwsError } from '../../explain.ts';
import { partsOf } from '../../judge.ts';
import { driftOf } from './alias-consumer-drift.ts';
import type { Variables } from './environment.ts';
import type { Carrier, Change } from './environment-carrier.ts';
import {
  type ConsumerWorld,
  changedMeanwhile,
  changeLatest,
  latest,
  lookAtFunction,
  titleOf,
  variablesOf,
} from './function-consumer.ts';
import { pause } from './function-consumer-pause.ts';

/**
 * A version that is as `main` but for `change`: one that is there already, as a run that was killed leaves it, or a new one.
 *
 * @returns its number, when it is active
 * @throws UserError CONSUMER_DRIFTED, and what `changeLatest` throws
 */
export async function versionWith(
  world: ConsumerWorld,
  name: string,
  main: FunctionConfiguration,
  carrier: Carrier,
  change: Change,
): Promise<string> {
  const wanted = change.apply(variablesOf(main));
  const twin = await findTwin(world, name, main, carrier, wanted);
  const version = twin ?? (await publish(world, name, main, carrier, wanted));
  await untilActive(world, name, version);
  return version;
}

/** The newest of them. */
async function findTwin(
  { aws }: ConsumerWorld,
  FunctionName: string,
  main: FunctionConfiguration,
  carrier: Carrier,
  wanted: Variables,
): Promise<string | undefined> {
  const found: number[] = [];
  let Marker: string | undefined;
  do {
    const command = new ListVersionsByFunctionCommand({ FunctionName, Marker });
    const { Versions = [], NextMarker } = await aws.read.lambda.send(command).catch((error: unknown) => {
      throw explainAwsError(error, titleOf({ name: FunctionName, qualifier: latest }));
    });
    const twins = Versions.filter(
      (version) =>
        version.Version !== latest &&
        // One that sleeps would fail its first invocation.
        (version.State === 'Active' || version.State === 'Pending') &&
        isSame(variablesOf(version), wanted) &&
        driftOf(version, main, carrier).length === 0,
    );
    found.push(...twins.map(({ Version }) => Number(Version)));
    Marker = NextMarker === '' ? undefined : NextMarker;
  } while (Marker !== undefined);
  return found.length === 0 ? undefined : String(Math.max(...found));
}

const isSame = (one: Variables, two: Variables): boolean =>
  Object.keys(one).length === Object.keys(two).length &&
  Object.entries(two).every(([name, value]) => one[name] === value);

/** `$LATEST` may have been left with another login, or another second candidate, than what serves. */
function exactly(carrier: Carrier, wanted: Variables): Change {
  const apply = (variables: Variables): Record<string, string> => {
    const ours = [...carrier.names(variables), ...carrier.names(wanted)];
    const rest = Object.entries(variables).filter(([name]) => !ours.includes(name));
    const set = Object.entries(wanted).filter(([name]) => ours.includes(name));
    return Object.fromEntries([...rest, ...set]);
  };
  return { apply, isIn: (variables) => isSame(apply(variables), variables) };
}

/** Lambda answers with the newest version when nothing has changed since, so that this can be asked again. */
async function publish(
  world: ConsumerWorld,
  FunctionName: string,
  main: FunctionConfiguration,
  carrier: Carrier,
  wanted: Variables,
): Promise<string> {
  const title = titleOf({ name: FunctionName, qualifier: latest });
  const { RevisionId, CodeSha256 } = await changeLatest(
    world,
    FunctionName,
    exactly(carrier, wanted),
    (now) => verifyNoDrift(title, now, main, carrier),
  );
  const command = new PublishVersionCommand({ FunctionName, RevisionId, CodeSha256 });
  const published = await world.aws.write.lambda.send(command).catch((error: unknown) => {
    if (/^(PreconditionFailed|ResourceConflict)Exception$/.test(partsOf(error).name))
      throw changedMeanwhile(title, error);
    throw explainAwsError(error, title);
  });
  return published.Version ?? '';
}

/** @throws UserError CONSUMER_DRIFTED where a new version would deploy more than a login */
export function verifyNoDrift(
  title: string,
  now: FunctionConfiguration,
  main: FunctionConfiguration,
  carrier: Carrier,
): void {
  const drift = driftOf(now, main, carrier);
  if (drift.length === 0) return;
  throw new UserError(
    'CONSUMER_DRIFTED',
    `${title} differs from its version ${main.Version}, which serves, in ${drift.join(', ')}: a new version for the login would deploy that too`,
    {
      suggestions: [
        'deploy what is unfinished, or put $LATEST back to what serves',
        'let it read the secret at run time instead: then no version is needed',
      ],
    },
  );
}

/** A version in a VPC may take a minute until it has its network interface, one with SnapStart until its snapshot is made. */
async function untilActive(world: ConsumerWorld, name: string, version: string): Promise<void> {
  const place = { name, qualifier: version };
  for (let turn = 0; ; turn += 1) {
    const { configuration, why } = await lookAtFunction(world, place);
    const { State } = configuration ?? {};
    if (State === 'Active' || State === 'Inactive') return;
    if (State !== 'Pending') {
      throw new UserError('VERSION_FAILED', `${titleOf(place)}: ${why}`, {
        exit: exitCodes.open,
        suggestions: ['nothing was shifted to it; lambdapg rotate-creds --rollback takes the rest back'],
      });
    }
    await pause(turn, titleOf(place));
  }
}
