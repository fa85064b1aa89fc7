import { exitCodes, UserError } from '../../../errors.ts';
import { type Plan, planProvision, verifyPlan } from '../../../provision/plan.ts';
import { type Survey, survey } from '../../../provision/survey.ts';
import { planWiring, type Wiring } from '../../../provision/wiring.ts';
import type { NetworkFacts, WiringFault, WiringOptions } from '../../../provision/wiring-facts.ts';
import { explainAwsError } from '../explain.ts';
import type { Stage } from '../stage.ts';
import type { Patch } from './attach-patch.ts';
import { attachSteps } from './attach-steps.ts';
import type { AttachTarget, TargetChoice } from './attach-target.ts';
import { type AttachLook, type AttachStep, type AttachWorld, takeAttachLook } from './attach-world.ts';
import { type AttachableFunction, type FunctionChoice, findFunctions } from './find-functions.ts';
import { findTarget } from './find-target.ts';
import { findNetworkFacts } from './network-facts.ts';
import { splitByOwner } from './split-by-owner.ts';

export interface AttachChoice extends TargetChoice, WiringOptions {
  readonly functions: FunctionChoice;
  /** Of the project at hand, where `--to stage:…` names one. */
  readonly stage?: Stage;
}

/** What `attach --plan` shows, and what is approved. */
export interface AttachPlan {
  readonly target: string;
  readonly region: string;
  readonly account: string;
  readonly functions: readonly { readonly name: string; readonly network: Wiring['network'] }[];
  readonly plan: Plan;
  /** For the files of whoever owns a resource; lambdapg leaves that resource alone. */
  readonly patches: readonly Patch[];
  readonly warnings: readonly string[];
  /** Functions that will not reach the internet any more. */
  readonly losesInternet: readonly string[];
}

export interface WiredFunction {
  readonly fn: AttachableFunction;
  readonly wiring: Wiring;
  readonly steps: readonly AttachStep<unknown>[];
  readonly patches: readonly Patch[];
}

export interface PlannedAttach {
  readonly shown: AttachPlan;
  readonly target: AttachTarget;
  readonly wired: readonly WiredFunction[];
  readonly steps: readonly AttachStep<unknown>[];
  readonly found: Survey;
}

/**
 * Looks at functions and database, chooses the shortest safe way between them and says what it takes. Changes nothing.
 *
 * @throws UserError with every reason why it cannot be, under the code of the first: NO_PATH, ENVIRONMENT_TAKEN …
 */
export async function planAttach(world: AttachWorld, choice: AttachChoice): Promise<PlannedAttach> {
  const look = takeAttachLook(world.aws);
  try {
    const [{ account }, functions, target] = await Promise.all([
      world.aws.identity(),
      findFunctions(world, look, choice.functions),
      findTarget(world, look, choice, choice.stage),
    ]);
    const network = await findNetworkFacts(world, look, vpcsOf(functions, target));
    const wired: WiredFunction[] = [];
    const steps: AttachStep<unknown>[] = [];
    for (const fn of functions) {
      const one = await wire(world, look, { fn, target, network, earlier: steps }, choice);
      wired.push(one);
      steps.push(...one.steps);
    }
    verifyWiring(wired, target);
    const found = await survey(steps, look);
    const plan = planProvision(steps, found);
    verifyPlan(plan);
    return {
      shown: {
        target: target.title,
        ...{ region: world.aws.region, account, plan },
        functions: wired.map(({ fn, wiring }) => ({ name: fn.name, network: wiring.network })),
        patches: wired.flatMap(({ patches }) => patches),
        warnings: [...target.warnings, ...wired.flatMap(({ wiring }) => wiring.warnings)],
        losesInternet: wired.filter(({ wiring }) => wiring.losesInternet).map(({ fn }) => fn.name),
      },
      ...{ target, wired, steps, found },
    };
  } catch (error) {
    throw explainAwsError(error, 'looking at functions and database');
  }
}

async function wire(
  world: AttachWorld,
  look: AttachLook,
  {
    fn,
    target,
    network,
    earlier,
  }: {
    readonly fn: AttachableFunction;
    readonly target: AttachTarget;
    readonly network: NetworkFacts;
    readonly earlier: readonly AttachStep<unknown>[];
  },
  options: WiringOptions,
): Promise<WiredFunction> {
  const wiring = planWiring(fn.facts, target.facts, network, options);
  const split = await splitByOwner(world, look, fn, target, wiring, network);
  const steps = split.isLeftAlone ? [] : attachSteps(world, fn, split.target, split.wiring, earlier);
  return { fn, wiring, steps, patches: split.patches };
}

const vpcsOf = (functions: readonly AttachableFunction[], { facts }: AttachTarget): string[] =>
  [
    ...new Set([facts.placement?.vpcId, ...functions.map((fn) => fn.facts.placement?.vpcId)].filter(Boolean)),
  ].flatMap((id) => id ?? []);

function verifyWiring(wired: readonly WiredFunction[], target: AttachTarget): void {
  const faults = [
    ...target.faults,
    ...wired.flatMap((one) => [...faultsOf(one, target), ...one.wiring.faults]),
  ];
  const [first] = faults;
  if (first === undefined) return;
  const messages = [...new Set(faults.map(({ message }) => message))];
  const message =
    messages.length === 1 ? messages.join() : `\n${messages.map((one) => `  ${one}`).join('\n')}`;
  throw new UserError(first.code, `cannot be attached as it is: ${message}`, {
    exit: exitCodes.notDone,
    suggestions: [...new Set(faults.flatMap(({ suggestions }) => suggestions))],
  });
}

/** What no wiring can help. */
function faultsOf({ fn }: WiredFunction, { facts }: AttachTarget): WiringFault[] {
  const { name, record, stage } = fn;
  if (stage !== undefined) {
    return [
      {
        code: 'OWN_FUNCTION',
        message: `${name} is a function of ${stage}, which reaches the database of its stage as it is`,
        suggestions: ['lambdapg deploy keeps it as lambdapg.json wants it'],
      },
    ];
  }
  if (record === undefined || record.target === facts.id) return [];
  return [
    {
      code: 'ATTACHED_ALREADY',
      message: `${name} is attached to ${record.target}`,
      suggestions: [`lambdapg detach --function ${name} first`],
    },
  ];
}

/** @throws UserError LOSES_INTERNET (exit 2) where nobody could be asked about it */
export function verifyInternet({ losesInternet, warnings }: AttachPlan, accepted: boolean): void {
  if (losesInternet.length === 0 || accepted) return;
  throw new UserError(
    'LOSES_INTERNET',
    warnings.find((one) => /internet/.test(one)) ?? losesInternet.join(),
    {
      exit: exitCodes.usage,
      suggestions: [
        '--accept-no-internet when it needs nothing but the database',
        'or give its subnets a NAT gateway first',
      ],
    },
  );
}
