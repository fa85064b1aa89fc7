import { expect, test } from 'vitest';
import { judgeLogin } from '../../src/database/login-outcome.ts';
import { proxyErrors } from '../../src/local/proxy/proxy-error.ts';

const failure = (code: string | undefined, message: string): Error =>
  Object.assign(new Error(message), code !== undefined && { code });

/** SQLSTATE or Node's code, the words, what is concluded, and the kind. */
const table: readonly (readonly [code: string | undefined, words: string, login: string, kind: string])[] = [
  ['28P01', 'password authentication failed for user "a"', 'bad', 'refused'],
  ['28P01', 'Passwort-Authentifizierung für Benutzer »a« fehlgeschlagen', 'bad', 'refused'],
  ['28000', 'role "a" is not permitted to log in', 'bad', 'refused'],
  ['28000', 'role "a" does not exist', 'bad', 'refused'],
  [
    '28000',
    'no pg_hba.conf entry for host "10.0.0.9", user "a", database "d", no encryption',
    'unknown',
    'configuration',
  ],
  ['28000', 'kein pg_hba.conf-Eintrag für Host »10.0.0.9«', 'unknown', 'configuration'],
  ['28000', 'pg_hba.conf rejects connection for host "10.0.0.9"', 'unknown', 'configuration'],
  ['28000', 'PAM authentication failed for user "a"', 'unknown', 'configuration'],
  ['53300', 'sorry, too many clients already', 'unknown', 'capacity'],
  ['53300', 'too many connections for role "a"', 'unknown', 'capacity'],
  ['53400', 'configuration limit exceeded', 'unknown', 'capacity'],
  ['57P01', 'terminating connection due to administrator command', 'unknown', 'gone'],
  ['57P02', 'terminating connection because of crash of another server process', 'unknown', 'gone'],
  ['57P03', 'the database system is starting up', 'unknown', 'gone'],
  ['08006', 'connection failure', 'unknown', 'gone'],
  ['ECONNRESET', 'read ECONNRESET', 'unknown', 'gone'],
  ['ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:5432', 'unknown', 'gone'],
  ['ETIMEDOUT', 'connect ETIMEDOUT', 'unknown', 'gone'],
  ['ENOTFOUND', 'getaddrinfo ENOTFOUND db.example', 'unknown', 'gone'],
  [undefined, 'Connection terminated unexpectedly', 'unknown', 'gone'],
  [undefined, 'timeout expired', 'unknown', 'gone'],
  ['3D000', 'database "d" does not exist', 'unknown', 'configuration'],
  ['42501', 'permission denied for database "d"', 'unknown', 'configuration'],
  ['55000', 'database "d" is not currently accepting connections', 'unknown', 'configuration'],
  ['CERT_HAS_EXPIRED', 'certificate has expired', 'unknown', 'configuration'],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    "Hostname/IP does not match certificate's altnames",
    'unknown',
    'configuration',
  ],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain', 'unknown', 'configuration'],
  [undefined, 'The server does not support SSL connections', 'unknown', 'configuration'],
  [
    undefined,
    'SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature does not match',
    'unknown',
    'configuration',
  ],
  ['XX000', 'cache lookup failed for role 4711', 'unknown', 'gone'],
];

test.each(table)('%s %s: %s, %s', (code, message, login, kind) => {
  expect(judgeLogin(failure(code, message))).toMatchObject({
    login,
    kind,
    why: expect.stringContaining(message),
  });
});

/** Whatever SQLSTATE they come with: AWS gives none. */
const proxyTable = [
  [proxyErrors.noCredentials('a'), 'bad', 'refused'],
  [proxyErrors.wrongPassword('a'), 'bad', 'refused'],
  [proxyErrors.borrowTimeout(), 'unknown', 'capacity'],
  [proxyErrors.tooManyClients(100), 'unknown', 'capacity'],
  [proxyErrors.tlsRequired(), 'unknown', 'configuration'],
  [proxyErrors.wrongMechanism(), 'unknown', 'configuration'],
  [proxyErrors.wrongToken('a'), 'unknown', 'configuration'],
  [proxyErrors.tokenWithoutTls(), 'unknown', 'configuration'],
] as const;

test.each(proxyTable)('of RDS Proxy: %s: %s, %s', (error, login, kind) => {
  for (const code of [error.sqlState, '28000', '28P01', '08000', undefined]) {
    expect(judgeLogin(failure(code, error.message))).toMatchObject({ login, kind });
  }
});

test('where several addresses of a host were tried, each attempt is told', () => {
  const attempts = ['::1', '127.0.0.1'].map((address) =>
    failure('ECONNREFUSED', `connect ECONNREFUSED ${address}:5432`),
  );
  const error = Object.assign(new AggregateError(attempts), { code: 'ECONNREFUSED' });
  expect(judgeLogin(error).why).toBe(attempts.map(({ message }) => message).join('; '));
});
