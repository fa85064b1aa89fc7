import type { StoredLogin } from '../../../../rotation/observation.ts';
import type { StoreSeen } from '../../../../rotation/parts.ts';
import type { Secret } from '../../../../secret.ts';
import { Secret as NewSecret } from '../../../../secret.ts';
import { parseStored, writeStored } from '../store/store-text.ts';
import { verifyUser } from './environment.ts';

export type CopyForm = 'json' | 'url' | 'password';

/** The login of a copy; undefined where it is none. A password alone is recognised by what is stored. */
export function copyIn(text: Secret, form: CopyForm, known: StoreSeen): StoredLogin | undefined {
  if (form !== 'password') return parseStored(text);
  return [known.current, known.pending, known.previous].find(
    (version) => version?.login.password.reveal() === text.reveal(),
  )?.login;
}

/**
 * A copy with another login, in the form that it has; other keys of JSON stay.
 *
 * @throws UserError CONSUMER_FIXED_USER where its readers have the user name from elsewhere
 */
export function copyOf(
  text: Secret,
  form: CopyForm,
  login: StoredLogin,
  known: StoreSeen,
  who: string,
): Secret {
  if (form === 'password') {
    const has = copyIn(text, form, known) ?? known.current?.login;
    verifyUser(who, has?.user, login.user);
    return login.password;
  }
  return writeStored(parseStored(text) === undefined ? emptyOf(form, known) : text, login);
}

/** What a copy begins as: it held no login yet. */
function emptyOf(form: CopyForm, known: StoreSeen): Secret | undefined {
  const place = known.current?.login.place;
  return form === 'url' && place !== undefined ? new NewSecret(`postgres://${place}`) : undefined;
}
