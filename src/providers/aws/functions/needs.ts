import type { Found, Haves, Step } from '../../../provision/step.ts';
import { haveOf } from '../../../provision/step.ts';
import type { Look } from '../look.ts';
import type { SubnetHave } from '../steps/network-haves.ts';
import type { SecretHave } from '../steps/secrets.ts';
import type { GroupHave } from '../steps/security-groups.ts';
import type { AwsStep } from '../steps/world.ts';

/** Where functions connect to: the proxy, or the database itself. */
export interface FrontHave {
  readonly host: string;
  readonly port: number;
  /** `db-…`, `cluster-…` or `prx-…`: the part of an `rds-db:connect` ARN. */
  readonly resourceId: string;
}

/** What functions need of the stage that `provision` makes. */
export interface FunctionNeeds {
  readonly subnets: readonly AwsStep<SubnetHave>[];
  readonly functionGroup: AwsStep<GroupHave>;
  readonly rules: AwsStep<unknown>;
  readonly front: AwsStep<FrontHave>;
  /** Absent with IAM. */
  readonly activeSecret?: AwsStep<SecretHave>;
}

export const allNeeds = ({
  subnets,
  functionGroup,
  rules,
  front,
  activeSecret,
}: FunctionNeeds): AwsStep<unknown>[] => [
  ...subnets,
  functionGroup,
  rules,
  front,
  ...(activeSecret === undefined ? [] : [activeSecret]),
];

const found = new WeakMap<Look, Map<string, Promise<Found<unknown>>>>();

/** What a step finds, asked once per look by all the functions that need it. */
export function findOnce<Have>(look: Look, step: AwsStep<Have>): Promise<Found<Have>> {
  const known = found.get(look) ?? new Map<string, Promise<Found<unknown>>>();
  found.set(look, known);
  const asked = known.get(step.id) ?? step.find(look);
  known.set(step.id, asked);
  return asked as Promise<Found<Have>>;
}

/** What `steps` have as far as it can be seen; undefined where one of them is not there yet. */
export async function findHaves(look: Look, steps: readonly AwsStep<unknown>[]): Promise<Haves | undefined> {
  const entries = await Promise.all(
    steps.map(async (step) => [step.id, haveOf(await findOnce(look, step))] as const),
  );
  const haves = new Map(entries);
  if (entries.some(([, have]) => have === undefined)) return undefined;
  return {
    get<Have>(step: Step<never, Have>): Have {
      if (!haves.has(step.id)) throw new Error(`${step.id} is not among what was looked for`);
      return haves.get(step.id) as Have;
    },
  };
}
