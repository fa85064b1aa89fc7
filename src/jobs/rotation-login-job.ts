import { judgeLogin } from '../database/login-outcome.ts';
import { loginTry } from '../database/login-sessions.ts';
import type { Job } from '../database/route.ts';
import { type Client, withClient } from '../database/with-client.ts';

export interface RotationLoginInput {
  /** The role that the login acts as by its settings; any without it. */
  readonly expectedRole?: string;
  /** For the login, and for the query after it. */
  readonly timeoutMs: number;
}

export interface RotationLoginOutput {
  readonly login: 'ok' | 'bad' | 'unknown';
  /** Why it is not `ok`. */
  readonly why?: string;
}

interface Seen {
  readonly role: string;
  readonly login: string;
}

/**
 * A login over a new connection, and a query as the application asks one. Nothing is written: what a login may do hangs on
 * the role that both slots act as, which the query names, and a reader would refuse any write. Never throws for what the
 * server or the network says.
 */
export const rotationLoginJob: Job<RotationLoginInput, RotationLoginOutput> = {
  name: 'rotation-login',
  async work(_context, target, { expectedRole, timeoutMs }) {
    const options = { applicationName: loginTry, connectTimeoutMs: timeoutMs };
    try {
      const seen = await withClient(target, options, (client) => ask(client, timeoutMs));
      if (expectedRole === undefined || seen.role === expectedRole) return { login: 'ok' };
      const why = `"${seen.login}" logs in and acts as "${seen.role}" instead of "${expectedRole}"`;
      // Another password would change nothing about it.
      return { login: 'unknown', why };
    } catch (error) {
      const { login, why } = judgeLogin(error);
      return { login, why };
    }
  },
};

/** A pooler takes the client first, and its time to find a connection to the database. */
async function ask(client: Client, timeoutMs: number): Promise<Seen> {
  const limit = AbortSignal.timeout(timeoutMs);
  const silence = new Promise<never>((_resolve, reject) => {
    const error = Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
    limit.addEventListener('abort', () => reject(error), { once: true });
  });
  const asked = client.query<Seen>('SELECT current_user AS role, session_user AS login');
  // One that loses the race fails later, when the connection is closed.
  asked.catch(() => {});
  const { rows } = await Promise.race([asked, silence]);
  if (rows[0] === undefined) throw new Error('a SELECT without FROM gave no row');
  return rows[0];
}
