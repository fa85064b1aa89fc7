import { createHash } from 'node:crypto';

/** One execution environment of one function, as its sessions in `pg_stat_activity` name it. */
export interface SessionName {
  /** The deployed function's name, at most 64 characters of `a-zA-Z0-9-_`. */
  readonly functionName: string;
  /** `$LATEST` or a number. */
  readonly version: string;
  /** 8 hex digits, the same for all sessions of one execution environment. */
  readonly environment: string;
}

const longestFunction = 36;
const keptOfLongFunction = 27;
const longestVersion = 8;

/**
 * `lpg/<function>/<version>/<environment>`, at most 58 bytes; PostgreSQL cuts at 63. A function name above 36 bytes becomes
 * its first 27, `~` and 8 hex digits of its SHA-256, so that two long names stay apart.
 *
 * @throws RangeError when the environment is not 8 hex digits
 */
export function formatApplicationName({ functionName, version, environment }: SessionName): string {
  if (!/^[0-9a-f]{8}$/.test(environment)) throw new RangeError(`"${environment}" is not 8 hex digits`);
  return `lpg/${shortFunctionName(functionName)}/${version.slice(0, longestVersion)}/${environment}`;
}

/** The parts of such a name, with the function as `shortFunctionName` gives it; undefined for any other name. */
export function parseApplicationName(name: string): SessionName | undefined {
  const [, functionName, version, environment] =
    /^lpg\/([\w-]{1,36}|[\w-]{27}~[0-9a-f]{8})\/(\$LATEST|\d{1,8})\/([0-9a-f]{8})$/.exec(name) ?? [];
  if (functionName === undefined || version === undefined || environment === undefined) return undefined;
  return { functionName, version, environment };
}

/** How a function's name stands in `application_name`. */
export function shortFunctionName(name: string): string {
  if (Buffer.byteLength(name) <= longestFunction) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, keptOfLongFunction)}~${hash}`;
}
