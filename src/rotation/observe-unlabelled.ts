import { type LoginAttempts, seenVersion } from './login-attempts.ts';
import { loginOf, type Observation, type StoredVersion } from './observation.ts';
import type { ReadVersion, RotationParts, StoredLogin, StoreSeen } from './parts.ts';

type Unlabelled = Pick<Observation, 'unlabelled' | 'unlabelledHidden'>;

/**
 * Logins that work though no label names them: who took the label away left them open. The current role has one password, the
 * current one, so only values of other roles are tried.
 *
 * @param refused fingerprints that every endpoint has refused: nobody sets the password of a value without a label, so they are
 *   not tried again; more are added
 */
export async function seeUnlabelled(
  parts: Pick<RotationParts, 'store'>,
  store: StoreSeen,
  attempts: LoginAttempts,
  print: (login: StoredLogin) => string,
  refused: Set<string>,
): Promise<Unlabelled> {
  const { current } = store;
  if (current === undefined) return {};
  const read = (await parts.store.unlabelled?.()) ?? [];
  if (typeof read === 'string') return { unlabelledHidden: read };
  const isLabelled = labelledIn(store, print);
  const others = read.filter(
    (version) =>
      version.login.user !== current.login.user && !isLabelled(version) && !refused.has(print(version.login)),
  );
  const seen = await Promise.all(others.map((version) => seenVersion(version, print, attempts, false)));
  for (const version of seen) if (isRefusedEverywhere(version)) refused.add(version.fingerprint);
  const open = seen.filter((version) => loginOf(version) !== 'bad');
  return open.length === 0 ? {} : { unlabelled: open };
}

/** A list may lag behind the labels, and two versions may have one login. */
function labelledIn(
  { current, pending, previous, emptyPending }: StoreSeen,
  print: (login: StoredLogin) => string,
): (version: ReadVersion) => boolean {
  const labelled = [current, pending, previous].filter((version) => version !== undefined);
  const known = new Set<string | undefined>([
    ...labelled.flatMap(({ versionId, login }) => [versionId, print(login)]),
    emptyPending,
  ]);
  return ({ versionId, login }) => known.has(versionId) || known.has(print(login));
}

const isRefusedEverywhere = ({ logins }: StoredVersion): boolean =>
  logins.length > 0 && logins.every(({ login }) => login === 'bad');
