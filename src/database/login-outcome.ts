import { errorCode, errorMessage } from '../errors.ts';

/**
 * What a login that failed says about its password. `bad`: the server has judged it and refused. `unknown`: nobody judged it
 * (nobody answered, no slot was free), or the way in is wrong, not the password: nothing may be concluded from that.
 */
export interface LoginOutcome {
  readonly login: 'bad' | 'unknown';
  readonly kind: 'refused' | 'capacity' | 'gone' | 'configuration';
  /** The server's words, or the network's. */
  readonly why: string;
}

type Kind = LoginOutcome['kind'];

/**
 * Words that say more than the SQLSTATE beside them, first match wins. 28000 alone means two things; RDS Proxy's texts are of
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.troubleshooting.html, which gives no SQLSTATE. PostgreSQL's
 * own are translated by `lc_messages`, so that only names in them are looked for.
 */
const words: readonly (readonly [RegExp, Kind])[] = [
  [/This RDS proxy has no credentials for the role/i, 'refused'],
  [/The password that was provided for the role .* is wrong/i, 'refused'],
  [/Timed-out waiting to acquire database connection/i, 'capacity'],
  [/maximum number of client connections/i, 'capacity'],
  [/RDS supports only IAM, MD5, or SCRAM authentication/i, 'configuration'],
  [/This RDS Proxy requires TLS|IAM authentication (failed|is allowed only)/i, 'configuration'],
  // Any password is refused here: which way in is open is not the password's fault.
  [/pg_hba\.conf/, 'configuration'],
  // On RDS: the role is a member of rds_iam and has no password.
  [/\b(PAM|LDAP|GSSAPI|RADIUS)\b/, 'configuration'],
];

const sqlStates: Readonly<Record<string, Kind>> = {
  '28P01': 'refused',
  // "role … is not permitted to log in", "role … does not exist"; what else is 28000 has words above.
  '28000': 'refused',
  '53300': 'capacity',
  '53400': 'capacity',
  '57P01': 'gone',
  '57P02': 'gone',
  '57P03': 'gone',
  '57P05': 'gone',
  '3D000': 'configuration',
  '42501': 'configuration',
  '55000': 'configuration',
  '0A000': 'configuration',
};

/** Of Node: TLS, certificates. */
const tlsCode = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** @param error of a connection or of its first query */
export function judgeLogin(error: unknown): LoginOutcome {
  const why = wordsOf(error);
  const kind = kindOf(error, why);
  return { login: kind === 'refused' ? 'bad' : 'unknown', kind, why };
}

function kindOf(error: unknown, why: string): Kind {
  const found = words.find(([pattern]) => pattern.test(why))?.[1];
  if (found !== undefined) return found;
  const code = errorCode(error) ?? '';
  const known = sqlStates[code];
  if (known !== undefined) return known;
  if (tlsCode.test(code) || /SSL connections|SASL|certificate/i.test(why)) return 'configuration';
  return 'gone';
}

/** Node says nothing itself where it tried several addresses of one host. */
function wordsOf(error: unknown): string {
  const text =
    error instanceof AggregateError && error.message === ''
      ? error.errors.map((attempt) => errorMessage(attempt)).join('; ')
      : errorMessage(error);
  const code = errorCode(error);
  return code === undefined || text.includes(code) ? text : `${text} (${code})`;
}
