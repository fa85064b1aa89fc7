import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { openRotationDatabase } from '../../src/rotation/database.ts';
import { Secret } from '../../src/secret.ts';
import { useRunner } from '../providers/aws/routes/runner-bed.ts';
import { findLeaks } from '../rotation/leak-scan.ts';
import { catchUserError, useSchemaBed } from '../seed/schema-bed.ts';

const bed = useSchemaBed();
const startRunner = useRunner(bed);

test('a login is changed, tried, looked after and retired beside the database, and nothing of it is logged', async () => {
  const { route, told } = await startRunner();
  const { admin } = bed().target;
  const { user: _user, password: _password, ...place } = admin;
  const open = () =>
    openRotationDatabase(
      bed().context,
      {
        admin,
        app: bed().app,
        ownerRole: 'library_owner',
        run: (job, target, input) => route().run(job, target, input),
        dial: () => Promise.reject(new UserError('NO_DIRECT_ROUTE', 'it is not reached from here')),
      },
      {
        id: 'library-dev',
        endpoints: [{ title: 'writer', target: place }],
        proxyEndpoints: [],
        expectedRole: 'library_app',
      },
    );
  const rotation = open();
  const login = { user: 'library_b', password: new Secret(randomBytes(32).toString('base64url')) };
  expect(await rotation.verifyMayAlter(['library_a', 'library_b'])).toEqual([]);
  expect((await rotation.connectionRoom()).maxConnections).toBe(100);
  await rotation.withLease(async () => {
    await rotation.setPassword(login);
    await rotation.verifyLease?.();
    expect(await rotation.logins(login)).toEqual([{ endpoint: 'writer', login: 'ok' }]);
    expect(await rotation.sessions('library_b')).toEqual([]);
    expect(await catchUserError(open().withLease(async () => {}))).toMatchObject({
      code: 'ROTATION_IN_PROGRESS',
      exit: 75,
    });
    await rotation.retire('library_b', 'scramble');
    expect(await rotation.countSessions('library_b', 0)).toEqual({ all: 0, unused: 0 });
    expect(await rotation.endSessions('library_b', 0)).toBe(0);
    expect(await rotation.logins(login)).toMatchObject([
      { login: 'bad', why: expect.stringContaining('28P01') },
    ]);
    await bed().adminSql('UPDATE lambdapg.rotation_lease SET fence = fence + 1');
    for (const late of [rotation.setPassword(login), rotation.endSessions('library_b')])
      expect(await catchUserError(late)).toMatchObject({ code: 'LEASE_LOST', exit: 75 });
  });
  const log = JSON.stringify(told);
  expect(log).toContain('rotation-role done');
  expect(findLeaks({ log }, [login.password])).toEqual([]);
  expect(log).not.toContain('SCRAM-SHA-256$');
});
