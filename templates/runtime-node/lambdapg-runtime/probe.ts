// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { type Opened, openClient } from './open-client.ts';
import { startInvocation } from './patience.ts';
import { isPassing, isRefusedLogin } from './refusal.ts';
import type { Settings } from './settings.ts';

/** That of manifest.json, which no bundle holds. */
const runtime = '1.3.0';
const key = 'lambdapg:probe';
/** Who asks wants to know how it is, not to wait until it is well. */
const retryWithinMs = 2_000;

export type ProbeAnswer = { readonly [key]: 1 } & (
  | {
      readonly ok: true;
      /** The login. */
      readonly user: string;
      /** Whose rights it has. */
      readonly role: string;
      readonly application: string;
      readonly server: string;
      readonly runtime: string;
    }
  | {
      readonly ok: false;
      /** SETTINGS, CREDENTIALS_UNREADABLE, LOGIN_REFUSED, SERVER_BUSY or NOT_CONNECTED. */
      readonly code: string;
      /** Never a secret. */
      readonly message: string;
    }
);

/**
 * A handler that answers `{"lambdapg:probe": 1}` itself: which login this environment has when it reads the credentials
 * anew and connects anew. `lambdapg rotate-creds` asks so whether a new login has arrived. All other events go to
 * `handler`. The events of HTTP APIs, queues and schedules have top-level keys of their own, so nobody outside can ask:
 * it takes the right to invoke the function.
 */
export function withProbe<Event, Context extends { getRemainingTimeInMillis(): number }, Result>(
  handler: (event: Event, context: Context) => Result,
  database: { probe(): Promise<ProbeAnswer> },
): (event: Event, context: Context) => Result | Promise<ProbeAnswer> {
  return (event, context) => {
    if (typeof event !== 'object' || event === null || !Object.hasOwn(event, key))
      return handler(event, context);
    startInvocation(context);
    return database.probe();
  };
}

const question = `select session_user::text as "user", current_user::text as role,
  current_setting('application_name') as application, current_setting('server_version') as server`;

/** Never rejects. `opened` answered. */
export async function probe(
  readSettings: () => Settings,
): Promise<{ answer: ProbeAnswer; opened?: Opened | undefined }> {
  let code = 'SETTINGS';
  let opened: Opened | undefined;
  try {
    const settings = readSettings();
    code = 'CREDENTIALS_UNREADABLE';
    await settings.credentials.store?.readAnew();
    code = 'NOT_CONNECTED';
    const limitMs = Math.min(retryWithinMs, settings.retryWithinMs);
    opened = await openClient({ ...settings, retryWithinMs: limitMs }, false);
    const { rows } = await opened.client.query(question);
    return { answer: { [key]: 1, ok: true, ...rows[0], runtime }, opened };
  } catch (error) {
    void opened?.client.end().catch(() => {});
    if (isRefusedLogin(error)) code = 'LOGIN_REFUSED';
    else if (isPassing(error, false)) code = 'SERVER_BUSY';
    const message = error instanceof Error ? error.message : String(error);
    return { answer: { [key]: 1, ok: false, code, message } };
  }
}
