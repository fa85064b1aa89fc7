import { type ExitCode, errorCode, errorMessage, exitCodes, UserError } from '../errors.ts';
import type { ConnectionTarget } from './target.ts';

interface Fault {
  readonly code: string;
  /** What did not work; the place and the vendor's own words are added. */
  readonly what: string;
  readonly suggestions: readonly string[];
  readonly exit?: ExitCode;
}

const loginRefused: Fault = {
  code: 'DATABASE_LOGIN_REFUSED',
  what: 'the database refused the login',
  suggestions: ['check the user and the password that this environment holds'],
};
const accessRefused: Fault = {
  code: 'DATABASE_ACCESS_REFUSED',
  what: 'the database refuses this way in',
  suggestions: ['connect with TLS, from an address that the server allows, as a user that may log in'],
};
const unreachable: Fault = {
  code: 'DATABASE_UNREACHABLE',
  what: 'no database answers',
  suggestions: ['check that the server runs, the port, and the firewall or security group on the way'],
};
const hostUnknown: Fault = {
  code: 'DATABASE_HOST_UNKNOWN',
  what: 'the host name of the database cannot be resolved',
  suggestions: ['check the host name and the network; a private name resolves only inside its VPC'],
};
const timedOut: Fault = {
  code: 'DATABASE_TIMEOUT',
  what: 'the database did not answer in time',
  suggestions: ['packets are dropped on the way: check security groups, routes and subnets'],
  exit: exitCodes.temporary,
};
const connectionLost: Fault = {
  code: 'DATABASE_CONNECTION_LOST',
  what: 'the database closed the connection',
  suggestions: ['try again; if it stays, read the log of the server'],
  exit: exitCodes.temporary,
};
const untrusted: Fault = {
  code: 'DATABASE_TLS_UNTRUSTED',
  what: "the server's certificate is signed by no authority known here",
  suggestions: ['name its authority: sslrootcert=<file> in the URL, or NODE_EXTRA_CA_CERTS=<file>'],
};

/** By SQLSTATE, or by the code that Node gives. */
const faults: Readonly<Record<string, Fault>> = {
  '28P01': loginRefused,
  '28000': accessRefused,
  '3D000': {
    code: 'DATABASE_MISSING',
    what: 'there is no such database',
    suggestions: ['check the database name in the URL or the settings'],
  },
  '53300': {
    code: 'DATABASE_FULL',
    what: 'all connections of the database are taken',
    suggestions: ['end idle sessions, lower the concurrency of the functions, or put a proxy between'],
    exit: exitCodes.temporary,
  },
  '57P03': {
    code: 'DATABASE_NOT_READY',
    what: 'the database is starting or shutting down',
    suggestions: ['try again in a moment'],
    exit: exitCodes.temporary,
  },
  ECONNREFUSED: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ENOTFOUND: hostUnknown,
  EAI_AGAIN: hostUnknown,
  ETIMEDOUT: timedOut,
  ECONNRESET: connectionLost,
  EPIPE: connectionLost,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  CERT_HAS_EXPIRED: {
    code: 'DATABASE_TLS_EXPIRED',
    what: "the server's certificate has expired",
    suggestions: ["renew it, or set this computer's clock"],
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: 'DATABASE_TLS_WRONG_NAME',
    what: "the server's certificate is for another host name",
    suggestions: ['connect by a name that the certificate holds'],
  },
};

/** Faults that pg 8.23 gives no code. */
const wordedFaults: readonly (readonly [words: string, fault: Fault])[] = [
  [
    'The server does not support SSL connections',
    {
      code: 'DATABASE_TLS_MISSING',
      what: 'the server offers no TLS',
      suggestions: [
        'turn TLS on in the server, or say sslmode=disable in the URL of a server on this computer',
      ],
    },
  ],
  [
    // 42501 is what statements get too; this is said to a login that is good.
    'permission denied for database',
    {
      code: 'DATABASE_ACCESS_REFUSED',
      what: 'the user may not use this database',
      suggestions: ['GRANT CONNECT ON DATABASE … TO …, by its owner; or another user'],
    },
  ],
  ['timeout expired', timedOut],
  ['connection timeout', timedOut],
  ['Connection terminated unexpectedly', connectionLost],
];

/**
 * A failed connection, said to the person who can put it right, with the vendor's own text; undefined for faults of
 * statements and of ours.
 *
 * @param where names the database and the user, without the password: see `describeTarget`
 */
export function explainPostgresError(error: unknown, where: string): UserError | undefined {
  const vendorText = vendorMessage(error);
  const fault =
    faults[errorCode(error) ?? ''] ?? wordedFaults.find(([words]) => vendorText.includes(words))?.[1];
  if (fault === undefined) return undefined;
  return new UserError(fault.code, `${fault.what} (${where}): ${vendorText}`, {
    suggestions: fault.suggestions,
    ...(fault.exit !== undefined && { exit: fault.exit }),
    cause: error,
  });
}

/** `user@host:port/database`. */
export function describeTarget({ user, host, port, database }: ConnectionTarget): string {
  return `${user}@${host}:${port}/${database}`;
}

/** Node says nothing itself where it tried several addresses of one host: its attempts do. */
function vendorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((attempt) => errorMessage(attempt)).join('; ');
  }
  return errorMessage(error);
}
