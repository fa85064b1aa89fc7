import { Flags } from '@oclif/core';
import { exitCodes, UserError } from './errors.ts';
import { retirements, strategies, terminations } from './rotation/decide/decision.ts';

/** What `rotate-creds` does instead of rotating; one at the most. */
const modes = {
  plan: 'show what would be done, change nothing',
  resume: 'finish what is open, begin nothing',
  rollback: 'back to the former login; before the old one is retired',
  status: 'who holds which login, how old the passwords are, what is open',
  repair: 'when nothing logs in: give the database the password that the store has',
  rehearse: "the whole rotation on a throw-away PostgreSQL with this database's roles",
  'find-consumers': 'who else may hold the login, by secret, host and present connections',
  advise: 'whether there need be passwords at all, and which strategy fits',
} as const;

export type RotationMode = keyof typeof modes | 'adopt' | 'emit-lambda' | 'rotate';

const names = [...Object.keys(modes), 'adopt', 'emit-lambda'] as RotationMode[];
/** `--adopt` may be looked at first: planned, or rehearsed. */
const mayGoWith: Readonly<Partial<Record<RotationMode, readonly RotationMode[]>>> = {
  adopt: ['plan', 'rehearse'],
  plan: ['adopt', 'rollback', 'repair', 'resume'],
  rehearse: ['adopt'],
  rollback: ['plan'],
  repair: ['plan'],
  resume: ['plan'],
};

const excluded = (mode: RotationMode): string[] =>
  names.filter((other) => other !== mode && mayGoWith[mode]?.includes(other) !== true);

// No default: oclif takes one for a flag that was given, and then finds it excluded.
const modeFlag = (mode: keyof typeof modes) =>
  Flags.boolean({ description: modes[mode], exclusive: excluded(mode) });

export const rotationFlags = {
  plan: modeFlag('plan'),
  resume: modeFlag('resume'),
  rollback: modeFlag('rollback'),
  status: modeFlag('status'),
  repair: modeFlag('repair'),
  rehearse: modeFlag('rehearse'),
  'find-consumers': modeFlag('find-consumers'),
  advise: modeFlag('advise'),
  adopt: Flags.string({
    description: 'make this single role one of two slots: owner, rights and settings move',
    helpValue: 'role',
    exclusive: excluded('adopt'),
  }),
  'emit-lambda': Flags.string({
    description: "write a rotation function for Secrets Manager's own schedule into this folder",
    helpValue: 'folder',
    exclusive: excluded('emit-lambda'),
  }),
  strategy: Flags.option({ options: strategies })({
    description: 'default: slots; managed: the master password that RDS keeps',
  }),
  canary: Flags.string({
    default: '5,50,100',
    description: 'shares of the traffic of a weighted alias, in percent',
    helpValue: '5,50,100',
  }),
  soak: Flags.string({ default: '60s', description: 'how long each share is watched', helpValue: '60s' }),
  drain: Flags.string({
    default: 'auto',
    description: 'wait before the old login is retired; auto: the longest cache and function timeout',
    helpValue: 'auto|5m',
  }),
  patience: Flags.string({
    default: '20m',
    description: 'how long to wait for others before it stops (exit 3, to be resumed)',
    helpValue: '20m',
  }),
  retire: Flags.option({ options: retirements })({
    default: 'scramble',
    description: 'what becomes of the old login',
  }),
  terminate: Flags.option({ options: terminations })({
    default: 'idle',
    description:
      'which sessions of the old login are ended at last; idle: those of the connection module that nobody has used since the drain',
  }),
  'accept-window': Flags.boolean({
    default: false,
    description: 'strategy single: requests may fail between two effects',
  }),
  'accept-headroom': Flags.boolean({
    default: false,
    description: 'even when old and new connections together may be too many',
  }),
};

export interface ModeFlags {
  readonly [mode: string]: unknown;
}

/** What is to be done; `plan` and `rehearse` of another mode are that mode's. */
export function modeOf(flags: ModeFlags): RotationMode {
  const order: RotationMode[] = ['adopt', 'emit-lambda', 'rollback', 'repair', 'resume', ...names];
  return order.find((mode) => flags[mode] !== undefined && flags[mode] !== false) ?? 'rotate';
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `90s`, `5m`, `1h`, `500ms` in milliseconds. @throws UserError BAD_DURATION (exit 2) */
export function parseDuration(flag: string, text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * (units[unit] ?? 0);
  throw new UserError('BAD_DURATION', `--${flag} ${text} is no length of time`, {
    exit: exitCodes.usage,
    suggestions: [`--${flag} 90s, 5m or 1h`],
  });
}

/** `5,50,100`. @throws UserError BAD_CANARY (exit 2) */
export function parseCanary(text: string): readonly number[] {
  const steps = text.split(',').map(Number);
  const isRising = steps.every((step, at) => step > (steps[at - 1] ?? 0) && step <= 100);
  if (isRising && steps.every((step) => Number.isFinite(step))) {
    return steps.at(-1) === 100 ? steps : [...steps, 100];
  }
  throw new UserError('BAD_CANARY', `--canary ${text} is no rising list of percentages`, {
    exit: exitCodes.usage,
    suggestions: ['--canary 5,50,100', '--canary 100 shifts at once'],
  });
}
