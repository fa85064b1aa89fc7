import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { UserError } from '../../errors.ts';
import { Secret } from '../../secret.ts';
import { explainDiskError } from './explain-disk-error.ts';

/** The passwords of the local server. They open nothing else and stay in `.lambdapg`. */
export interface Credentials {
  readonly admin: Secret;
  readonly slots: { readonly a: Secret; readonly b: Secret };
}

/** 256 bits in base64url: printable everywhere, in URLs too. */
export function generateCredentials(): Credentials {
  const password = () => new Secret(randomBytes(32).toString('base64url'));
  return { admin: password(), slots: { a: password(), b: password() } };
}

/** Readable by the owner alone. */
export async function writeCredentials(file: string, { admin, slots }: Credentials): Promise<void> {
  const plain = { admin: admin.reveal(), slots: { a: slots.a.reveal(), b: slots.b.reveal() } };
  await writeFile(file, `${JSON.stringify(plain, undefined, 2)}\n`, { mode: 0o600 });
}

/** @throws UserError BAD_LOCAL_CREDENTIALS when the file was edited or cut short, STATE_DIR_UNWRITABLE when it is another's */
export async function readCredentials(file: string): Promise<Credentials> {
  try {
    const { admin, slots } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown> & {
      slots: Record<string, unknown>;
    };
    return { admin: secret(admin), slots: { a: secret(slots.a), b: secret(slots.b) } };
  } catch (cause) {
    const disk = explainDiskError(cause, file);
    if (disk !== undefined) throw disk;
    throw new UserError('BAD_LOCAL_CREDENTIALS', `"${file}" does not hold the local server's passwords`, {
      suggestions: ['start over with an empty database: lambdapg dev --reset'],
      cause,
    });
  }
}

function secret(value: unknown): Secret {
  if (typeof value !== 'string' || value === '') throw new TypeError('a password is missing');
  return new Secret(value);
}
