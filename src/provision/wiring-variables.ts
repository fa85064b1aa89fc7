import type { FunctionFacts, TargetFacts, WiringFault, WiringOptions } from './wiring-facts.ts';

/** What becomes of a function's environment. */
export interface VariableChoice {
  /** What is set, by name; the ARN of a secret that is not there yet is `undefined`. */
  readonly set: Readonly<Record<string, string | undefined>>;
  /** Names that the function has with another value, to be put aside until it is detached. */
  readonly replaced: readonly string[];
  readonly warnings: readonly string[];
  readonly faults: readonly WiringFault[];
}

/**
 * Keeps what `--replace-environment` has put aside, so that detach brings it back. In the environment and nowhere else, because it
 * changes in one call with what it is replaced by, and because values never leave the place where they were.
 */
export const beforeVariable = 'LAMBDAPG_ATTACH_BEFORE';

/** Of which one at most may be set. */
const loginVariables = ['LAMBDAPG_SECRET_ARN', 'LAMBDAPG_DB_AUTH'];

/** All that a function's environment may hold. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const environmentLimit = 4_096;

/** The connection runtime's variables. A password is never among them. */
export function chooseVariables(
  fn: FunctionFacts,
  target: TargetFacts,
  options: WiringOptions,
): VariableChoice {
  const { authorities, warnings } = chooseAuthorities(fn, target, options);
  const set: Record<string, string | undefined> = {
    PGHOST: target.host,
    PGPORT: String(target.port),
    PGDATABASE: target.database,
    PGSSLMODE: 'verify-full',
    ...authorities,
    ...loginOf(target),
  };
  const stale = loginVariables.filter((name) => !(name in set));
  const replaced = [...Object.keys(set), ...stale].filter((name) => {
    const now = fn.variables[name];
    return now !== undefined && now !== '' && (!(name in set) || now !== set[name]);
  });
  return { set, replaced, warnings, faults: faultsOf(fn, set, replaced, options) };
}

type Variables = Readonly<Record<string, string>>;

/** An environment with what attach sets; `ours`: the names that it adds. What stood there is put aside. Pure. */
export function attachVariables(
  now: Variables,
  ours: readonly string[],
  set: Variables,
): Record<string, string> {
  const before = detachVariables(now, ours);
  const stale = loginVariables.filter((name) => !(name in set));
  const aside = Object.entries(before).filter(
    ([name, value]) => stale.includes(name) || (name in set && value !== set[name]),
  );
  const rest = Object.entries(before).filter(([name]) => !stale.includes(name));
  return {
    ...Object.fromEntries(rest),
    ...set,
    ...(aside.length > 0 && { [beforeVariable]: JSON.stringify(Object.fromEntries(aside)) }),
  };
}

/** The environment as it was: without the names that attach adds, and with what it has put aside. Pure. */
export function detachVariables(now: Variables, ours: readonly string[]): Record<string, string> {
  const { [beforeVariable]: aside = '{}', ...rest } = now;
  const kept = Object.entries(rest).filter(([name]) => !ours.includes(name));
  return { ...Object.fromEntries(kept), ...(JSON.parse(aside) as Variables) };
}

function loginOf({ login }: TargetFacts): Record<string, string | undefined> {
  if (login.kind === 'iam') return { LAMBDAPG_DB_AUTH: 'iam', PGUSER: login.user };
  return { LAMBDAPG_SECRET_ARN: login.kind === 'secret' ? login.arn : undefined };
}

/**
 * Node runtimes from 20 on hold RDS's authorities in a file that they do not load by themselves; other runtimes hold none.
 * Source: aws.amazon.com/blogs/compute/node-js-20-x-runtime-now-available-in-aws-lambda (root certificates)
 */
const nodeAuthorities = '/var/runtime/ca-cert.pem';

function chooseAuthorities(
  { name, runtime = 'a container image', variables }: FunctionFacts,
  { needsRdsAuthorities }: TargetFacts,
  { rootCertificate }: WiringOptions,
): { authorities: Record<string, string>; warnings: string[] } {
  if (rootCertificate !== undefined) return { authorities: { PGSSLROOTCERT: rootCertificate }, warnings: [] };
  if (!needsRdsAuthorities || variables.PGSSLROOTCERT || variables.NODE_EXTRA_CA_CERTS) {
    return { authorities: {}, warnings: [] };
  }
  if (runtime.startsWith('nodejs'))
    return { authorities: { NODE_EXTRA_CA_CERTS: nodeAuthorities }, warnings: [] };
  const warning = `${name} runs on ${runtime}, which does not know RDS's certificate authorities: put RDS's bundle into its package and add --ssl-root-cert /var/task/<file>`;
  return { authorities: {}, warnings: [warning] };
}

function faultsOf(
  { name, variables, variablesHidden }: FunctionFacts,
  set: VariableChoice['set'],
  replaced: readonly string[],
  { replaceEnvironment }: WiringOptions,
): WiringFault[] {
  if (variablesHidden !== undefined) {
    return [
      {
        code: 'ENVIRONMENT_HIDDEN',
        message: `AWS does not show you the environment of ${name}, so it cannot be added to: ${variablesHidden}`,
        suggestions: ["ask for kms:Decrypt on the function's key"],
      },
    ];
  }
  const faults: WiringFault[] = [];
  if (replaced.length > 0 && !replaceEnvironment) {
    faults.push({
      code: 'ENVIRONMENT_TAKEN',
      message: `${name} has ${replaced.join(', ')} set to something else already`,
      suggestions: ['--replace-environment puts these values aside until lambdapg detach'],
    });
  }
  const size = sizeOf({ ...variables, ...set });
  if (size > environmentLimit) {
    faults.push({
      code: 'ENVIRONMENT_TOO_LARGE',
      message: `the environment of ${name} would be ${size} bytes, and Lambda takes ${environmentLimit}`,
      suggestions: ['remove what the function does not need'],
    });
  }
  return faults;
}

/** An ARN that is not known yet is taken to be as long as they get. */
const sizeOf = (variables: Readonly<Record<string, string | undefined>>): number =>
  Object.entries(variables).reduce(
    (sum, [name, value]) =>
      sum + Buffer.byteLength(name) + (value === undefined ? 200 : Buffer.byteLength(value)),
    0,
  );
