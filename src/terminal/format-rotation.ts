import { paint } from './format-event.ts';

interface Consumer {
  readonly id: string;
  readonly holds: string;
  readonly proved: boolean;
  readonly detail?: string;
}

interface Session {
  readonly user: string;
  readonly application: string;
  readonly address: string;
  readonly state: string;
}

interface Report {
  readonly outcome: string;
  readonly claimed?: string;
  readonly proof?: string;
  readonly previousUser: string | undefined;
  readonly currentUser: string | undefined;
  readonly effects: readonly { readonly title: string }[];
  readonly consumers: readonly Consumer[];
  readonly leftSessions: readonly Session[];
  readonly lateSessions: readonly Session[];
  readonly waitingFor?: string;
  readonly stopped?: { readonly why: string; readonly suggestions: readonly string[] };
  readonly incidents: readonly string[];
  readonly keptUser?: string;
  readonly unlabelledHidden?: string;
  readonly durationMs: number;
  readonly waitedMs: Readonly<Record<string, number>>;
}

const colours: Readonly<Record<string, 'green' | 'yellow' | 'red' | 'cyan'>> = {
  closed: 'green',
  'rolled back': 'yellow',
  waiting: 'yellow',
  refused: 'red',
  incident: 'red',
  unknown: 'yellow',
};

const headlines: Readonly<Record<string, string>> = {
  closed: 'closed',
  'rolled back': 'rolled back: everybody has the former login again',
  waiting: 'open, and safe: every login that consumers hold is valid',
  refused: 'not done',
  incident: 'INCIDENT: consumers cannot log in now',
  unknown: 'nothing more was done, because not everything could be seen',
};

/** How a rotation ended, for a person: what was proved, what is open, what to run next. */
export function formatRotation(report: Report, stream: NodeJS.WriteStream): string {
  const { outcome, currentUser, effects, consumers, incidents } = report;
  const headline = paint(colours[outcome] ?? 'cyan', headlines[outcome] ?? outcome, stream);
  return [
    `${headline} (${effects.length} changes in ${formatDuration(report)}; login ${currentUser ?? 'unknown'})`,
    ...(report.claimed === undefined ? [] : [`  claimed: ${report.claimed}; proof: ${report.proof ?? ''}`]),
    ...consumers.map(formatConsumer),
    ...incidents.map((incident) => paint('red', `  incident, put right: ${incident}`, stream)),
    ...formatSessions('still open with the old login, which does not need its password', report.leftSessions),
    ...formatSessions(
      'logged in with the old login after everybody should have had the new one',
      report.lateSessions,
    ),
    ...(report.keptUser === undefined
      ? []
      : [`  the password of ${report.keptUser} still works (--retire keep)`]),
    ...(report.unlabelledHidden === undefined
      ? []
      : [`  whether a login works that no label names is not known: ${report.unlabelledHidden}`]),
    ...(report.waitingFor === undefined
      ? []
      : [`  waits for: ${report.waitingFor}`, '  go on with: lambdapg rotate-creds --resume']),
    ...(report.stopped === undefined
      ? []
      : [`  ${report.stopped.why}`, ...report.stopped.suggestions.map((one) => `  try: ${one}`)]),
  ].join('\n');
}

/** `12.3 s, of which waiting: drain 7.5 s, soak 1.0 s`. */
function formatDuration({ durationMs, waitedMs }: Report): string {
  const waits = Object.entries(waitedMs)
    .filter(([, ms]) => ms >= 50)
    .map(([reason, ms]) => `${reason} ${seconds(ms)}`);
  return `${seconds(durationMs)}${waits.length === 0 ? '' : `, of which waiting: ${waits.join(', ')}`}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function formatConsumer({ id, holds, proved, detail }: Consumer): string {
  const state = proved ? 'proved' : `holds ${holds}`;
  return `  ${id}: ${state}${detail === undefined ? '' : ` (${detail})`}`;
}

/** One line for each program, however many sessions it has. */
function formatSessions(title: string, sessions: readonly Session[]): string[] {
  const counts = new Map<string, number>();
  for (const { user, application, address } of sessions) {
    const who = `${application === '' ? 'a program without a name' : application} from ${address} as ${user}`;
    counts.set(who, (counts.get(who) ?? 0) + 1);
  }
  if (counts.size === 0) return [];
  return [`  ${title}:`, ...[...counts].map(([who, count]) => `    ${count} × ${who}`)];
}

interface Managed {
  readonly outcome: string;
  readonly joined: boolean;
  readonly waitingFor?: string;
  readonly login?: { readonly endpoint: string; readonly login: string; readonly why?: string };
}

/** How the rotation of the master password went, which RDS does. */
export function formatManaged({ outcome, joined, waitingFor, login }: Managed): string {
  const how = joined ? ' (one was under way)' : '';
  return [
    `master password: ${outcome}${how}`,
    ...(login === undefined ? [] : [`  ${login.endpoint}: ${login.why ?? login.login}`]),
    ...(waitingFor === undefined
      ? []
      : [`  waits for: ${waitingFor}`, '  look again with: --strategy managed --resume']),
  ].join('\n');
}

interface Rehearsal {
  readonly outcome: string;
  readonly version: string;
  readonly faults: readonly string[];
  readonly recreated: { readonly left: readonly string[] };
  readonly adoption?: { readonly statements: number; readonly warnings: readonly string[] };
  readonly rotation?: Report;
  readonly consumers: readonly { readonly id: string; readonly logins: number; readonly failed: number }[];
  readonly durationMs: number;
}

/** How the rotation went where nothing could break. */
export function formatRehearsal(rehearsal: Rehearsal, stream: NodeJS.WriteStream): string {
  const { outcome, version, faults, recreated, adoption, rotation, consumers, durationMs } = rehearsal;
  const seconds = (durationMs / 1000).toFixed(1);
  return [
    paint(
      outcome === 'rehearsed' ? 'green' : 'red',
      `${outcome} on PostgreSQL ${version} in ${seconds} s`,
      stream,
    ),
    ...(adoption === undefined ? [] : [`  adopted by ${adoption.statements} statements`]),
    ...(adoption?.warnings ?? []).map((warning) => `  beware: ${warning}`),
    ...(rotation?.effects ?? []).map(({ title }, index) => `  ${String(index + 1).padStart(2)}. ${title}`),
    ...consumers.map(({ id, logins, failed }) => `  ${id}: ${logins} logins, ${failed} failed`),
    ...recreated.left.map((left) => `  not rehearsed: ${left}`),
    ...faults.map((fault) => paint('red', `  ${fault}`, stream)),
  ].join('\n');
}
