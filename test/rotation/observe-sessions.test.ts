import { expect, test } from 'vitest';
import type { Login, StoredVersion } from '../../src/rotation/observation.ts';
import { deadUsers } from '../../src/rotation/observe-sessions.ts';

const version = (user: string, login: Login): StoredVersion => ({
  ...{ versionId: user, user, fingerprint: user, proxyLogins: [] },
  logins: [{ endpoint: 'writer', login }],
});

test.each<[string, StoredVersion | undefined, StoredVersion | undefined, readonly string[]]>([
  ['the former login of the other slot', version('a', 'bad'), undefined, ['a']],
  ['one that lives', version('a', 'ok'), undefined, []],
  ['one of which nobody knows', version('a', 'unknown'), undefined, []],
  ['the next login of that slot lives already', version('a', 'bad'), version('a', 'ok'), []],
  ['neither lives', version('a', 'bad'), version('a', 'bad'), ['a']],
  ['the role that is in use', version('b', 'bad'), version('b', 'bad'), []],
])('whose sessions have outlived their login: %s', (_name, previous, pending, users) => {
  const current = version('b', 'ok');
  expect(deadUsers({ current, ...(previous && { previous }), ...(pending && { pending }) })).toEqual(users);
});
