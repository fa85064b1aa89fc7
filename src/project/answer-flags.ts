import { exitCodes, UserError } from '../errors.ts';
import type { Answer } from './write-answers.ts';

const database = (key: string): readonly string[] => ['cloud', 'database', key];

/** Where each flag's value stands in lambdapg.json. */
const places = {
  database: database('kind'),
  proxy: ['cloud', 'proxy'],
  auth: ['cloud', 'auth'],
  network: ['cloud', 'network', 'kind'],
  subnets: ['cloud', 'network', 'subnetIds'],
  'instance-class': database('instanceClass'),
  'engine-version': database('version'),
  'multi-az': database('multiAz'),
  reader: database('reader'),
  'min-acu': database('minAcu'),
  'max-acu': database('maxAcu'),
  'deletion-protection': database('deletionProtection'),
  'heroku-addon': database('herokuAddon'),
} satisfies Readonly<Record<string, readonly string[]>>;

type AnswerFlag = keyof typeof places;
export type AnswerFlags = { readonly [name in AnswerFlag]?: string | boolean | undefined };

/** What is answered already. */
export interface Answered {
  readonly database: { readonly kind: string };
  readonly network: { readonly kind: string };
  readonly proxy: unknown;
}

/** What has no meaning without another answer: it would be written down and do nothing. */
const meantFor: readonly (readonly [flags: readonly AnswerFlag[], wants: AnswerFlag, value: string])[] = [
  [['min-acu', 'max-acu'], 'database', 'aurora'],
  [['instance-class', 'multi-az'], 'database', 'rds'],
  [['subnets'], 'network', 'existing'],
  [['heroku-addon'], 'database', 'heroku'],
];

/**
 * From the values of `answerFlags`: what they change in lambdapg.json.
 *
 * @throws UserError BAD_FLAGS (exit 2) for flags that contradict each other or the project's answers
 */
export function parseAnswerFlags(flags: AnswerFlags, cloud: Answered): Answer[] {
  const all: AnswerFlags =
    flags.subnets === undefined ? flags : { ...flags, network: flags.network ?? 'existing' };
  const chosen: AnswerFlags = {
    database: all.database ?? cloud.database.kind,
    network: all.network ?? cloud.network.kind,
  };
  for (const [names, wants, value] of meantFor) {
    const flag = names.find((name) => all[name] !== undefined && all[name] !== false);
    if (flag !== undefined && chosen[wants] !== value) throw badFlags(flag, wants, value, chosen[wants]);
  }
  return (Object.keys(places) as AnswerFlag[]).flatMap((name) => {
    const given = all[name];
    // A proxy that stands in the file keeps its settings.
    if (given === undefined || (name === 'proxy' && given === true && cloud.proxy !== false)) return [];
    const text = typeof given === 'string' ? `--${name} ${given}` : `--${given ? '' : 'no-'}${name}`;
    return [{ path: places[name], value: fileValueOf(name, given), given: text }];
  });
}

function fileValueOf(name: AnswerFlag, given: string | boolean): unknown {
  if (name === 'proxy') return given === true ? {} : given;
  if (typeof given === 'boolean') return given;
  if (name === 'subnets')
    return given
      .split(',')
      .map((id) => id.trim())
      .filter(Boolean);
  if (name !== 'min-acu' && name !== 'max-acu') return given;
  // What is no number stays what it is, for the schema to say so.
  return given.trim() === '' || Number.isNaN(Number(given)) ? given : Number(given);
}

const badFlags = (
  flag: AnswerFlag,
  wants: AnswerFlag,
  value: string,
  chosen: string | boolean | undefined,
): UserError =>
  new UserError('BAD_FLAGS', `--${flag} is for --${wants} ${value}, and this is ${wants} ${chosen}`, {
    exit: exitCodes.usage,
    suggestions: [`--${wants} ${value}, or leave --${flag} out`],
  });
