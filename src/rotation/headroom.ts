/** How a consumer gets its login, as in `cloud.rotation.consumers`; `copy`: a parameter or another secret. */
export type CredentialWay = 'module' | 'cached' | 'environment' | 'start' | 'copy';

export interface HeadroomConsumer {
  /** As `Consumer.id`. */
  readonly id: string;
  readonly way: CredentialWay;
  /** Most execution environments at once (`reservedConcurrency` or `concurrency`); absent: only the account limits it. */
  readonly concurrency?: number | undefined;
  /** Its traffic can be shifted by shares. */
  readonly staged: boolean;
}

export interface HeadroomInput {
  /** Of the database itself, as it reports them. */
  readonly maxConnections: number;
  /** Slots that ordinary logins cannot use. */
  readonly reserved: number;
  /** Open now, by whomever; undefined where that cannot be seen. */
  readonly used?: number | undefined;
  /** Of those, sessions of the login that is to be replaced. */
  readonly usedByLogin?: number | undefined;
  /** Connections that RDS Proxy may open; undefined without a proxy. */
  readonly proxyShare?: number | undefined;
  /** `cloud.connections`. */
  readonly perEnvironment: number;
  readonly otherConsumers: number;
  /** lambda:GetAccountSettings; else AWS's default. */
  readonly unreservedConcurrency?: number | undefined;
  readonly consumers: readonly HeadroomConsumer[];
  /** Shares of traffic in percent, ascending; the last is 100. */
  readonly canary: readonly number[];
  /** Between two shares. Milliseconds. */
  readonly soakMs: number;
}

export interface HeadroomRow {
  readonly consumer: string;
  /** Without a rotation. */
  readonly connections: number;
  /** On top, at the worst moment of the shift. */
  readonly extra: number;
  /** Where the numbers come from. */
  readonly source: string;
}

export interface Headroom {
  readonly available: number;
  readonly rows: readonly HeadroomRow[];
  /** Without a rotation, at most. */
  readonly steady: number;
  /** During the shift, at most. */
  readonly needed: number;
  /** What is open now and what the rotation adds to it; undefined where what is open cannot be seen. */
  readonly atPresent: number | undefined;
  readonly fits: boolean;
  /** Shares that would fit when the environments of the share before have gone. */
  readonly waves: readonly number[] | undefined;
  readonly proxyShare: number | undefined;
  readonly message: string;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; new accounts may have less. */
const defaultAccountConcurrency = 1_000;

/** Ours: the session that holds the lock, and one more at a time (database-turns.ts). */
export const ownConnections = 2;

/**
 * After this an execution environment that nobody calls is taken for gone. AWS documents no number and none was measured there;
 * reports of its users are between 5 and 45 minutes. Milliseconds.
 */
export const environmentGoneMs = 45 * 60_000;

/**
 * Connections at the worst moment of a shift, against what the database has. Pure.
 *
 * Who follows the store exchanges its connection: one environment at a time has two for a moment. Who holds a copy gets new
 * environments, and the frozen ones of before keep their connections until Lambda removes them.
 */
export function estimateHeadroom(input: HeadroomInput): Headroom {
  const available = Math.max(0, input.maxConnections - input.reserved);
  const rows = rowsOf(input, input.canary, input.soakMs);
  const { steady, needed, atPresent } = sumsOf(input, rows);
  const fits = isRoomFor(input, available, rows);
  const fitting = (canary: readonly number[]): boolean =>
    isRoomFor(input, available, rowsOf(input, canary, environmentGoneMs));
  const waves = fits || !input.consumers.some(isDoubledInShares) ? undefined : chooseWaves(fitting);
  const { proxyShare } = input;
  const outcome = { available, rows, steady, needed, atPresent, fits, waves, proxyShare };
  return { ...outcome, message: describe(outcome) };
}

/** Environments that hold a copy are replaced; the others exchange their connection. */
const isDoubled = ({ way }: HeadroomConsumer): boolean => way === 'environment' || way === 'start';
const isDoubledInShares = (consumer: HeadroomConsumer): boolean => isDoubled(consumer) && consumer.staged;

function rowsOf(input: HeadroomInput, canary: readonly number[], soakMs: number): HeadroomRow[] {
  const functions = input.consumers.filter(({ way }) => way !== 'copy');
  const bounded = functions.filter(({ concurrency }) => concurrency !== undefined);
  const sharing = functions.filter(({ concurrency }) => concurrency === undefined);
  const share = largestShare(canary, soakMs);
  return [
    ...bounded.map((consumer) => ({
      ...growth(input, [consumer], consumer.concurrency ?? 0, share),
      consumer: consumer.id,
      source: 'its concurrency',
    })),
    ...(sharing.length === 0 ? [] : [sharingRow(input, sharing, share)]),
    {
      consumer: 'people and other programs',
      connections: input.otherConsumers,
      extra: 0,
      source: 'connections.otherConsumers',
    },
    {
      consumer: 'lambdapg rotate-creds',
      connections: 0,
      extra: ownConnections,
      source: 'its lock and its logins',
    },
  ];
}

/** Functions without a bound share one pool of environments, so they are one row: it is counted once. */
function sharingRow(input: HeadroomInput, sharing: readonly HeadroomConsumer[], share: number): HeadroomRow {
  const measured = input.unreservedConcurrency;
  return {
    ...growth(input, sharing, measured ?? defaultAccountConcurrency, share),
    consumer: sharing.map(({ id }) => id).join(', '),
    source:
      measured === undefined
        ? `no reserved concurrency: the account's limit, ${defaultAccountConcurrency} by default`
        : `no reserved concurrency: the account's unreserved ${measured}`,
  };
}

function growth(
  { perEnvironment }: HeadroomInput,
  consumers: readonly HeadroomConsumer[],
  environments: number,
  share: number,
): Pick<HeadroomRow, 'connections' | 'extra'> {
  const connections = environments * perEnvironment;
  const doubled = consumers.filter(isDoubled);
  const percent = doubled.length === 0 ? 0 : doubled.every(({ staged }) => staged) ? share : 100;
  return {
    connections,
    extra: Math.ceil((environments * percent) / 100) * perEnvironment + consumers.length - doubled.length,
  };
}

/** More waves than these would keep a rotation open for the better part of a day. */
const waveCounts = [2, 3, 4, 5, 8, 10] as const;

/** The fewest equal shares that fit; undefined when none do. */
function chooseWaves(fits: (canary: readonly number[]) => boolean): readonly number[] | undefined {
  return waveCounts
    .map((count) => Array.from({ length: count }, (_, index) => Math.round((100 * (index + 1)) / count)))
    .find(fits);
}

/** The share that is there twice: what is added at once when the environments of the share before have gone, else all. */
function largestShare(canary: readonly number[], soakMs: number): number {
  if (soakMs < environmentGoneMs) return 100;
  return Math.max(...canary.map((percent, index) => percent - (canary[index - 1] ?? 0)));
}

function sumsOf(
  { used, usedByLogin, proxyShare }: HeadroomInput,
  rows: readonly HeadroomRow[],
): { readonly steady: number; readonly needed: number; readonly atPresent: number | undefined } {
  const [others, own] = [rows.at(-2), rows.at(-1)];
  const functions = rows.slice(0, -2);
  const behind = (connections: number): number =>
    proxyShare === undefined ? connections : Math.min(connections, proxyShare);
  const outside = (others?.connections ?? 0) + (own?.extra ?? 0);
  const extra = sum(functions.map((row) => row.extra));
  const steady = behind(sum(functions.map((row) => row.connections)));
  // Nobody gets more new environments than there are now, unless the load grows.
  const added = proxyShare === undefined ? Math.min(extra, (usedByLogin ?? extra) + functions.length) : 0;
  return {
    steady: steady + (others?.connections ?? 0),
    needed: behind(sum(functions.map((row) => row.connections + row.extra))) + outside,
    atPresent: used === undefined ? undefined : used + added + (own?.extra ?? 0),
  };
}

/**
 * The worst case decides where it fits without a rotation. Where it does not even then (no concurrency is reserved, say), the
 * rotation is not to blame: what counts is what is open now, and what the rotation adds.
 */
function isRoomFor(input: HeadroomInput, available: number, rows: readonly HeadroomRow[]): boolean {
  const { steady, needed, atPresent } = sumsOf(input, rows);
  if (needed <= available) return atPresent === undefined || atPresent <= available;
  if (steady <= available && input.proxyShare === undefined) return false;
  if (atPresent !== undefined) return atPresent <= available;
  return input.proxyShare !== undefined || !input.consumers.some(isDoubled);
}

function describe({ available, steady, needed, atPresent, fits }: Omit<Headroom, 'message'>): string {
  const present = atPresent === undefined ? '' : `, and ${atPresent} at the present load`;
  const numbers = `during the shift ${needed} connections may be needed at once (${steady} without a rotation)${present}; ${available} are available`;
  return fits ? numbers : `no room for the connections of two logins at once: ${numbers}`;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
