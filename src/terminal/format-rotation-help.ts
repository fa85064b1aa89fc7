interface Advice {
  readonly iam: {
    readonly state: string;
    readonly why: string;
    readonly commands: readonly string[];
    readonly limits: readonly string[];
    readonly change?: unknown;
  };
  readonly strategy: string;
  readonly why: string;
  readonly commands: readonly string[];
}

/** Whether passwords are needed at all, then which strategy fits. */
export function formatAdvice({ iam, strategy, why, commands }: Advice): string {
  return [
    `IAM authentication from end to end: ${iam.state}. ${iam.why}`,
    ...(iam.change === undefined ? [] : [`  in lambdapg.json: ${JSON.stringify(iam.change)}`]),
    ...iam.commands.map((command) => `  ${command}`),
    ...iam.limits.map((limit) => `  limit: ${limit}`),
    `strategy: ${strategy}. ${why}`,
    ...commands.map((command) => `  ${command}`),
  ].join('\n');
}

interface Found {
  readonly candidates: readonly {
    readonly id: string;
    readonly evidence: readonly string[];
    readonly listed: boolean;
    readonly entry?: unknown;
    readonly note?: string;
  }[];
  readonly unseen: readonly string[];
}

/** Who may hold the login, why that is thought, and what to write into lambdapg.json. */
export function formatCandidates({ candidates, unseen }: Found): string {
  const lines = candidates.flatMap(({ id, evidence, listed, entry, note }) => [
    `${id}${listed ? ' (known)' : ''}`,
    ...evidence.map((text) => `  ${text}`),
    ...(entry === undefined ? [] : [`  cloud.rotation.consumers: ${JSON.stringify(entry)}`]),
    ...(note === undefined ? [] : [`  ${note}`]),
  ]);
  return [
    ...(lines.length === 0 ? ['nobody was found'] : lines),
    ...unseen.map((text) => `not seen: ${text}`),
  ].join('\n');
}

interface Emitted {
  readonly dir: string;
  readonly functionName: string;
  readonly files: readonly string[];
}

export const formatEmitted = ({ dir, functionName, files }: Emitted): string =>
  [`${functionName}: ${files.length} files in ${dir}`, 'README.md there says what to run next'].join('\n');
