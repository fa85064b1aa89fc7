import { type FunctionConfiguration, ListAliasesCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { type ConsumerWorld, latest } from '../consumers/function-consumer.ts';
import { unlessUnseen } from './find-consumers-unseen.ts';

/** Every function of the region. */
export async function listFunctions(
  { aws }: ConsumerWorld,
  unseen: string[],
): Promise<FunctionConfiguration[]> {
  const found: FunctionConfiguration[] = [];
  let Marker: string | undefined;
  do {
    const page = await unlessUnseen(unseen, 'functions', () =>
      aws.read.lambda.send(new ListFunctionsCommand({ Marker })),
    );
    found.push(...(page?.Functions ?? []));
    Marker = page?.NextMarker === '' ? undefined : page?.NextMarker;
  } while (Marker !== undefined);
  return found;
}

/** Aliases of a function that lead to a version. */
export async function listLiveAliases(
  { aws }: ConsumerWorld,
  FunctionName: string,
  unseen: string[],
): Promise<string[]> {
  const page = await unlessUnseen(unseen, `aliases of ${FunctionName}`, () =>
    aws.read.lambda.send(new ListAliasesCommand({ FunctionName })),
  );
  return (page?.Aliases ?? [])
    .filter(({ FunctionVersion }) => FunctionVersion !== latest)
    .map(({ Name = '' }) => Name);
}
