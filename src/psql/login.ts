import type { OpenDatabase } from '../database/open-database.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { exitCodes, UserError } from '../errors.ts';

export const logins = ['app', 'owner', 'admin'] as const;
export type LoginName = (typeof logins)[number];

export interface Login {
  readonly target: ConnectionTarget;
  /** Taken after the login. */
  readonly role?: string;
}

/**
 * `app` is what the functions are; `owner`, which cannot log in, is taken by the admin, as migrations do.
 *
 * @throws UserError NO_OWNER_ROLE on a server where the project has none
 */
export function chooseLogin({ admin, app, ownerRole }: OpenDatabase, name: LoginName): Login {
  if (name === 'app') return { target: app };
  if (name === 'admin') return { target: admin };
  if (ownerRole === undefined) {
    throw new UserError('NO_OWNER_ROLE', 'on this server the project has no owner role', {
      exit: exitCodes.usage,
      suggestions: ['--as admin'],
    });
  }
  return { target: admin, role: ownerRole };
}
