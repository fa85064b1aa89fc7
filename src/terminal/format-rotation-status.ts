import { paint } from './format-event.ts';
import { formatTime } from './format-rotation-plan.ts';

interface Status {
  readonly isOpen: boolean;
  readonly rotation?: string;
  readonly versions: readonly {
    readonly label: string;
    readonly user: string;
    readonly fingerprint: string;
    readonly login: string;
    readonly ageMs?: number;
  }[];
  readonly unlabelledHidden?: string;
  readonly slotSecrets: readonly {
    readonly user: string;
    readonly fingerprint?: string;
    readonly login: string;
  }[];
  readonly consumers: readonly {
    readonly id: string;
    readonly holds: string;
    readonly fingerprint?: string;
    readonly share?: string;
    readonly detail?: string;
  }[];
  readonly sessions: readonly { readonly user: string; readonly application: string }[];
  readonly past: readonly {
    readonly rotation: string;
    readonly begunAt: number;
    readonly outcome?: string;
  }[];
}

const shownRotations = 5;

/** Who holds which login, how old the passwords are, and what is open. */
export function formatRotationStatus(status: Status, stream: NodeJS.WriteStream): string {
  const { isOpen, rotation, versions, unlabelledHidden, slotSecrets, consumers, sessions, past } = status;
  const headline = isOpen
    ? paint('yellow', `a rotation is open${rotation === undefined ? '' : ` (${rotation})`}`, stream)
    : paint('green', 'nothing is open', stream);
  return [
    headline,
    ...versions.map(({ label, user, fingerprint, login, ageMs }) => {
      const age = ageMs === undefined ? '' : `, ${formatTime(ageMs)} old`;
      const advice = label === 'unlabelled' ? unlabelledAdvice(isOpen) : '';
      return `  ${label}: ${user} ${fingerprint} (${loginText(login)}${age})${advice}`;
    }),
    ...(unlabelledHidden === undefined
      ? []
      : [`  whether a login works that no label names is not known: ${unlabelledHidden}`]),
    ...slotSecrets.map(
      ({ user, fingerprint = 'empty', login }) =>
        `  for the proxy: ${user} ${fingerprint} (${loginText(login)})`,
    ),
    ...consumers.map(({ id, holds, fingerprint = '', share, detail }) => {
      const more = [share, detail].filter((text) => text !== undefined).join('; ');
      return `  ${id}: ${holds} ${fingerprint}${more === '' ? '' : ` (${more})`}`.trimEnd();
    }),
    ...(sessions.length === 0 ? [] : [`  sessions of other logins: ${countByUser(sessions)}`]),
    ...past.slice(0, shownRotations).map(({ begunAt, outcome = 'was killed', rotation: id }) => {
      const when = new Date(begunAt).toISOString().slice(0, 16).replace('T', ' ');
      return `  ${when} UTC: ${outcome} (${id})`;
    }),
  ].join('\n');
}

/** One of a role that is no slot is left alone: it may be anybody's. */
const unlabelledAdvice = (isOpen: boolean): string =>
  isOpen
    ? ': no label names it; lambdapg rotate-creds --resume retires it if it is of one of the two logins'
    : ': no label names it, and its role is none of the two logins: find out whose it is';

const words: Readonly<Record<string, string>> = {
  ok: 'logs in',
  bad: 'refused',
  unknown: 'no answer, or not everywhere the same',
  none: 'no value',
};

const loginText = (login: string): string => words[login] ?? login;

function countByUser(sessions: Status['sessions']): string {
  const counts = new Map<string, number>();
  for (const { user } of sessions) counts.set(user, (counts.get(user) ?? 0) + 1);
  return [...counts].map(([user, count]) => `${count} of ${user}`).join(', ');
}
