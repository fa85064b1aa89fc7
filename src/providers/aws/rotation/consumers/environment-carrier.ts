import type { FunctionConsumerConfig } from '../../../../project/rotation-schema.ts';
import type { StoredLogin } from '../../../../rotation/observation.ts';
import type { ReadVersion, StoreSeen } from '../../../../rotation/parts.ts';
import { Secret } from '../../../../secret.ts';
import {
  isSameLogin,
  loginIn,
  loginNames,
  namesOf,
  type Variables,
  verifySize,
  withLogin,
  withNext,
} from './environment.ts';

/** A change of a function's environment that can be recognised, so that it can be done again. */
export interface Change {
  isIn(variables: Variables): boolean;
  /** @throws UserError where it cannot be done */
  apply(variables: Variables): Record<string, string>;
}

/** How an environment tells which login its function works with, and how it is given another. */
export interface Carrier {
  /** Variables that a change may touch; all others have to stay as they are. */
  names(variables: Variables): readonly string[];
  holds(variables: Variables, known: StoreSeen): StoredLogin | undefined;
  holdsNext?(variables: Variables, known: StoreSeen): StoredLogin | undefined;
  /** New environments get the new login before it is promoted: a share of the traffic can try it. */
  readonly beforePromotion: boolean;
  change(to: ReadVersion, known: StoreSeen): Change;
  changeNext?(next: ReadVersion | undefined): Change;
}

/** The login itself stands in variables. */
export function variablesCarrier(configured: FunctionConsumerConfig['variables'], who: string): Carrier {
  const names = (variables: Variables) => loginNames(configured, variables);
  const next = configured?.next;
  const userOf = (known: StoreSeen): string | undefined => known.current?.login.user;
  const carrier: Carrier = {
    names: (variables) => namesOf(names(variables)),
    holds: (variables, known) => loginIn(variables, names(variables), userOf(known)),
    beforePromotion: true,
    change: ({ login }, known) => ({
      isIn: (variables) => isSameLogin(loginIn(variables, names(variables), userOf(known)), login),
      apply: (variables) => withLogin(variables, names(variables), login, who, userOf(known)),
    }),
  };
  if (next === undefined) return carrier;
  return {
    ...carrier,
    holdsNext: (variables, known) => nextIn(variables[next], carrier.holds(variables, known)),
    changeNext: (version) => ({
      isIn: (variables) => (variables[next] || undefined) === version?.login.password.reveal(),
      apply: (variables) => withNext(variables, next, version?.login),
    }),
  };
}

const nextIn = (password: string | undefined, holds: StoredLogin | undefined): StoredLogin | undefined =>
  password === undefined || password === '' || holds === undefined
    ? undefined
    : { user: holds.user, password: new Secret(password) };

/** Which stored value a function's execution environments were started for: its version id, no secret. */
export const markerVariable = 'LAMBDAPG_ROTATION';

/**
 * The function reads the store once in each execution environment: a changed variable makes new environments, which read what
 * is current by then. One without a marker, or with one that nobody knows, was started for what was current before.
 */
export const markerCarrier: Carrier = {
  names: () => [markerVariable],
  holds({ [markerVariable]: marker }, known) {
    const { current, pending, previous, pendingIsCurrent } = known;
    const found = [current, pending, previous].find((version) => version?.versionId === marker);
    return (found ?? (pendingIsCurrent ? previous : current))?.login;
  },
  beforePromotion: false,
  change: ({ versionId }) => ({
    isIn: (variables) => variables[markerVariable] === versionId,
    apply: (variables) => ({ ...variables, [markerVariable]: versionId }),
  }),
};

/** Of a password of lambdapg's own, and what the other slot's name may be longer by. */
const longestPassword = 43 + 2;

/** Before anything is changed: the environment has to have room for a new login. @throws UserError ENVIRONMENT_TOO_LARGE */
export function verifyRoom(carrier: Carrier, variables: Variables, known: StoreSeen, who: string): void {
  if (known.current === undefined) return;
  const password = new Secret('p'.repeat(longestPassword));
  const to = { versionId: '0'.repeat(36), login: { user: known.current.login.user, password } };
  const changed = carrier.change(to, known).apply(variables);
  verifySize(carrier.changeNext?.(to).apply(changed) ?? changed, who);
}
