import { exitCodes, UserError } from '../errors.ts';
import { type AnswerFlags, parseAnswerFlags } from '../project/answer-flags.ts';
import { type Choices, isManaged } from '../project/choices.ts';
import { findCrossingFaults } from '../project/crossings.ts';
import { readConfig } from '../project/parse-config.ts';
import { type Answer, badAnswers } from '../project/write-answers.ts';
import { defaultChoices, type Template } from './catalog.ts';

/** Choices as flags, checked against their lists of values where they are parsed. */
export interface ChoiceFlags extends AnswerFlags {
  readonly engine?: string | undefined;
  readonly language?: string | undefined;
  readonly framework?: string | undefined;
  readonly packaging?: string | undefined;
  readonly region?: string | undefined;
  readonly subnets?: string | undefined;
  readonly network?: string | undefined;
}

type Tree = { [key: string]: unknown };

export interface Resolved {
  readonly choices: Choices;
  /** `cloud` of `lambdapg.json`: what differs from the defaults. */
  readonly cloud: Readonly<Tree>;
}

/**
 * A template's choices with those of the flags on top.
 *
 * @throws UserError BAD_CROSSING with every pair that cannot be together; BAD_FLAGS, BAD_ANSWER (exit 2)
 */
export function resolveChoices(template: Template, flags: ChoiceFlags): Resolved {
  const preset = { ...defaultChoices, ...template.choices };
  // A template for a database outside AWS that is told another one begins from the default network.
  const database = (flags.database as Choices['database'] | undefined) ?? preset.database;
  const given = { network: flags.network ?? (flags.subnets === undefined ? undefined : 'existing') };
  const network = (given.network ?? (preset.network === 'none' ? 'isolated' : preset.network)) as
    | 'isolated'
    | 'nat'
    | 'existing';
  const choices: Choices = {
    ...preset,
    ...pick(flags, ['engine', 'language', 'framework', 'packaging', 'auth', 'proxy', 'reader']),
    database,
    network: isManaged({ database }) ? network : 'none',
  };
  refuseCrossings(choices, flags, given.network);
  const answers = parseAnswerFlags(flags, {
    database: { kind: database },
    network: { kind: network },
    proxy: choices.proxy ? {} : false,
  });
  const cloud = cloudOf(choices);
  if (flags.region !== undefined) cloud.region = flags.region;
  for (const { path, value } of answers) put(cloud, path.slice(1), value);
  verifyCloud(cloud, answers);
  return { choices, cloud };
}

function refuseCrossings(choices: Choices, flags: ChoiceFlags, network: string | undefined): void {
  const faults = findCrossingFaults({
    ...choices,
    network,
    subnets: flags.subnets === undefined ? 0 : String(flags.subnets).split(',').filter(Boolean).length,
    minAcu: flags['min-acu'] === undefined ? 0.5 : Number(flags['min-acu']),
  });
  if (faults.length === 0) return;
  throw new UserError('BAD_CROSSING', faults.map(({ reason }) => reason).join('\n'), {
    exit: exitCodes.usage,
    suggestions: faults.map(({ fix }) => fix),
  });
}

/** What a template's choices say in `lambdapg.json`, without what is the default there. */
function cloudOf({ database, proxy, auth, network, reader }: Choices): Tree {
  const kind = { ...(database !== 'rds' && { kind: database }), ...(reader && { reader }) };
  return {
    ...(Object.keys(kind).length > 0 && { database: kind }),
    ...(proxy && { proxy: {} }),
    ...(auth !== 'secret' && { auth }),
    ...(network !== 'isolated' && network !== 'none' && { network: { kind: network } }),
  };
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const inner = tree[key];
  const next: Tree = typeof inner === 'object' && inner !== null ? (inner as Tree) : {};
  tree[key] = next;
  put(next, rest, value);
}

function verifyCloud(cloud: Tree, answers: readonly Answer[]): void {
  const rest = {
    name: 'a',
    template: 'a',
    language: 'node',
    runtime: 'nodejs24.x',
    engine: 'cdk',
    functions: {},
  };
  const { faults } = readConfig(JSON.stringify({ ...rest, cloud }));
  const own = faults.filter(({ path }) => path.startsWith('cloud'));
  if (own.length === 0) return;
  const region = {
    path: ['cloud', 'region'],
    value: cloud.region,
    given: `--region ${String(cloud.region)}`,
  };
  throw badAnswers([...answers, region], own);
}

function pick(flags: ChoiceFlags, names: readonly (keyof Choices)[]): Partial<Choices> {
  const given = names.flatMap((name) => {
    const value = flags[name as keyof ChoiceFlags];
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(given) as Partial<Choices>;
}
