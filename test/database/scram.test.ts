import { afterAll, beforeAll, expect, test } from 'vitest';
import { scramVerifier } from '../../src/database/scram.ts';
import { withClient } from '../../src/database/with-client.ts';
import { Secret } from '../../src/secret.ts';
import { startTestPostgres } from '../postgres-server.ts';

let server: Awaited<ReturnType<typeof startTestPostgres>>;
beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server.cleanUp());

const options = { applicationName: 'scram test' };

// RFC 7677 §3 gives the exchange for this password and salt; the keys that PostgreSQL stores follow from it.
test('the verifier of RFC 7677 is the one that PostgreSQL derives itself', async () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  expect(scramVerifier(new Secret('pencil'), salt)).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
});

test.each(['pencil', 'with space and ~!"#$%&\'()*+,-./', 'x'.repeat(128)])(
  'it is stored as it is, and %j logs in',
  async (plain) => {
    const password = new Secret(plain);
    const verifier = scramVerifier(password);
    await withClient(server.local.admin, options, async (client) => {
      await client.query(`DROP ROLE IF EXISTS tester`);
      await client.query(`CREATE ROLE tester LOGIN PASSWORD '${verifier}'`);
      await client.query(`GRANT CONNECT ON DATABASE library TO tester`);
      const { rows } = await client.query(`SELECT rolpassword FROM pg_authid WHERE rolname = 'tester'`);
      expect(rows).toEqual([{ rolpassword: verifier }]);
    });
    const target = { ...server.local.admin, user: 'tester', password };
    expect(await withClient(target, options, async () => 'in')).toBe('in');
    const wrong = { ...target, password: new Secret(`${plain}x`) };
    await expect(withClient(wrong, options, async () => 'in')).rejects.toMatchObject({ code: '28P01' });
    await withClient(server.local.admin, options, (client) =>
      client.query('REVOKE CONNECT ON DATABASE library FROM tester'),
    );
  },
);

test('two verifiers of one password differ by their salt', () => {
  expect(scramVerifier(new Secret('pencil'))).not.toBe(scramVerifier(new Secret('pencil')));
});

test.each(['', 'pässword', 'tab\there'])('%j is refused, unquoted', (plain) => {
  expect(() => scramVerifier(new Secret(plain))).toThrow('a SCRAM password must be printable ASCII');
});
