interface Step {
  readonly step: 'effect' | 'wait';
  readonly title?: string;
  readonly for?: string;
  readonly why: string;
  readonly ms?: number;
}

interface Plan {
  readonly project: string;
  readonly stage: string;
  readonly strategy: string;
  readonly claimed: string;
  readonly isOpen: boolean;
  readonly steps: readonly Step[];
  readonly ending: { readonly next: string; readonly why?: string; readonly suggestions?: readonly string[] };
}

/** What a rotation would do, in its order. */
export function formatRotationPlan(plan: Plan): string {
  const { project, stage, strategy, claimed, isOpen, steps, ending } = plan;
  const closes = ending.next === 'closed';
  return [
    `${project}, stage ${stage}: strategy ${strategy}; ${claimed}`,
    ...(isOpen ? ['a rotation is open: it is finished, and no other is begun'] : []),
    ...steps.map(formatStep),
    ...(steps.length === 0 && closes ? ['  nothing to do'] : []),
    ...(closes ? [] : [`  ${ending.next}: ${ending.why ?? ''}`]),
    ...(ending.suggestions ?? []).map((one) => `  try: ${one}`),
  ].join('\n');
}

function formatStep({ step, title, why, ms }: Step, index: number): string {
  const number = String(index + 1).padStart(3);
  if (step === 'effect') return `${number}. ${title ?? why}`;
  const time = ms === undefined ? '' : ` for ${formatTime(ms)}`;
  return `${number}. wait${time}: ${why}`;
}

export function formatTime(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

interface AdoptPlan {
  readonly role: string;
  readonly database: string;
  readonly transactions: readonly {
    readonly title: string;
    readonly steps: readonly { readonly sql: string; readonly why: string }[];
    readonly locks?: true;
  }[];
  readonly refusals: readonly { readonly message: string; readonly suggestions: readonly string[] }[];
  readonly warnings: readonly string[];
}

/** What an adoption would change: SQL as it would be run, with its reasons. */
export function formatAdoptPlan({ role, database, transactions, refusals, warnings }: AdoptPlan): string {
  if (transactions.length === 0 && refusals.length === 0)
    return `${role} is one of two slots of ${database} already`;
  return [
    `${role} of ${database}`,
    ...transactions.flatMap(({ title, steps, locks }) => [
      `  ${title}${locks === true ? ' (a short ACCESS EXCLUSIVE lock)' : ''}`,
      ...steps.map(({ sql, why }) => `    ${sql};  -- ${why}`),
    ]),
    ...warnings.map((warning) => `  beware: ${warning}`),
    ...refusals.flatMap(({ message, suggestions }) => [
      `  not possible: ${message}`,
      ...suggestions.map((one) => `    try: ${one}`),
    ]),
  ].join('\n');
}
