import type { ConnectionTarget } from '../../database/target.ts';
import { Secret } from '../../secret.ts';
import { readMessage } from './byte-source.ts';
import type { ClientStart } from './client-startup.ts';
import { authentication } from './messages.ts';
import { proxyErrors } from './proxy-error.ts';
import { scramMechanism, scramServer } from './scram.ts';
import type { DatabaseLogin } from './server-login.ts';

/** What the proxy knows of a role, as one of RDS Proxy's secrets. */
export type ProxyCredentials =
  | {
      /** What the client must know, and what the proxy logs into the database with. */
      readonly password: Secret;
    }
  | {
      /** IAM: the client sends a token instead of a password. @returns why it is refused, undefined when it is good */
      verifyToken(token: Secret): Promise<string | undefined>;
      /** What the proxy logs in with: the secret's password, or a token of its own for each session (end-to-end IAM). */
      readonly password?: ConnectionTarget['password'];
    };

/**
 * Lets a client in by the proxy's own credentials: the database is not asked.
 *
 * @param onRefused is told why a token was refused: the client is not
 * @throws ProxyError in RDS Proxy's words
 */
export async function authenticateClient(
  client: ClientStart,
  credentials: ProxyCredentials | undefined,
  onRefused: (reason: string) => void,
): Promise<DatabaseLogin> {
  const { user, database } = client;
  if (credentials === undefined) throw proxyErrors.noCredentials(user);
  if ('verifyToken' in credentials) {
    if (!client.tls) throw proxyErrors.tokenWithoutTls();
    const reason = await credentials.verifyToken(new Secret(await askCleartext(client)));
    if (reason !== undefined) {
      onRefused(reason);
      throw proxyErrors.wrongToken(user);
    }
  } else await askScram(client, credentials.password);
  const { password } = credentials;
  return { user, database, ...(password !== undefined && { password }) };
}

async function askCleartext({ socket, source }: ClientStart): Promise<string> {
  socket.write(authentication(3));
  const { type, body } = await readMessage(source);
  if (type !== 'p') throw proxyErrors.wrongMechanism();
  return body.toString('utf8', 0, body.length - 1);
}

async function askScram({ socket, source, user }: ClientStart, password: Secret): Promise<void> {
  socket.write(authentication(10, scramMechanism, Buffer.alloc(1)));
  const initial = await readMessage(source);
  const end = initial.body.indexOf(0);
  if (initial.type !== 'p' || initial.body.toString('utf8', 0, end) !== scramMechanism)
    throw proxyErrors.wrongMechanism();
  const scram = scramServer(password);
  socket.write(authentication(11, Buffer.from(scram.first(initial.body.toString('utf8', end + 5)))));
  const response = await readMessage(source);
  const final = await scram.final(response.body.toString());
  if (response.type !== 'p' || final === undefined) throw proxyErrors.wrongPassword(user);
  socket.write(authentication(12, Buffer.from(final)));
}
