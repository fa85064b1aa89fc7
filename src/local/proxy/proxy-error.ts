/*
 * The texts are AWS's (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.troubleshooting.html, "Common
 * issues … PostgreSQL"); the page gives no SQLSTATE. Those that people have reported publicly are 0A000 for refused
 * options, 08000 for the borrow timeout and 28000 for missing TLS; the others here are PostgreSQL's for the like.
 */

/** Why a client is turned away or its session ends. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly sqlState: string;

  constructor(sqlState: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.sqlState = sqlState;
  }
}

const unsupported = (what: string) => new ProxyError('0A000', `Feature not supported: RDS Proxy ${what}.`);

export const proxyErrors = {
  borrowTimeout: (cause?: unknown) =>
    new ProxyError('08000', 'Timed-out waiting to acquire database connection.', cause),
  tooManyClients: (limit: number) =>
    new ProxyError('53300', `The maximum number of client connections to the proxy exceeded ${limit}.`),
  tlsRequired: () => new ProxyError('28000', 'This RDS Proxy requires TLS connections.'),
  noUser: () =>
    new ProxyError(
      '28000',
      'A user name is missing from the connection startup packet. Provide a user name for this connection.',
    ),
  noCredentials: (role: string) =>
    new ProxyError(
      '28000',
      `This RDS proxy has no credentials for the role ${role}. Check the credentials for this role and try again.`,
    ),
  wrongPassword: (role: string) =>
    new ProxyError('28P01', `The password that was provided for the role ${role} is wrong.`),
  wrongMechanism: () => new ProxyError('28000', 'RDS supports only IAM, MD5, or SCRAM authentication.'),
  tokenWithoutTls: () => new ProxyError('28000', 'IAM authentication is allowed only with SSL connections.'),
  wrongToken: (user: string) =>
    new ProxyError(
      '28000',
      `IAM authentication failed for user ${user}. Check the IAM token for this user and try again.`,
    ),
  databaseRefused: (sqlState: string, text: string) =>
    new ProxyError(sqlState, `Request returned an error: ${text}`),
  oldProtocol: () => unsupported('supports only version 3.0 of the PostgreSQL messaging protocol'),
  replication: () => unsupported("currently doesn't support streaming replication mode"),
  commandLineOptions: () => unsupported("currently doesn't support command-line options"),
  unknownOption: (name: string) => unsupported(`currently doesn't support the option ${name}`),
  databaseGone: () => new ProxyError('08006', 'The database connection was closed.'),
  stopped: () => new ProxyError('57P01', 'The proxy was stopped.'),
} as const;
