import { describe, expect, test } from 'vitest';
import {
  hiddenReason,
  loginIn,
  loginNames,
  verifySize,
  withLogin,
  withNext,
} from '../../../../../src/providers/aws/rotation/consumers/environment.ts';
import {
  markerCarrier,
  markerVariable,
  variablesCarrier,
  verifyRoom,
} from '../../../../../src/providers/aws/rotation/consumers/environment-carrier.ts';
import { fresh, old, prepared, promoted, shown, versionOf } from './consumer-bed.ts';

const plain = { PGUSER: 'shop_a', PGPASSWORD: 'old-password' };
const url = { DATABASE_URL: 'postgres://shop_a:old-password@db:5432/shop?sslmode=require' };

describe('the login of an environment', () => {
  test.each([
    ['user and password', undefined, plain, 'shop_a:old-password'],
    ['a URL', undefined, url, 'shop_a:old-password'],
    ['both, equal', undefined, { ...plain, ...url }, 'shop_a:old-password'],
    ['both, different', undefined, { ...plain, ...url, PGPASSWORD: 'another' }, 'nothing'],
    ['names of its own', { user: 'U', password: 'P' }, { ...plain, U: 'u', P: 'p' }, 'u:p'],
    ['a password alone', { password: 'P' }, { P: 'p' }, 'fixed:p'],
    ['nothing', undefined, { MOOD: 'good' }, 'nothing'],
    ['empty values', undefined, { PGUSER: '', PGPASSWORD: '' }, 'nothing'],
    ['a URL that is none', { url: 'U' }, { U: 'https://x' }, 'nothing'],
  ] as const)('%s', (_, configured, variables: Record<string, string>, expected) => {
    expect(shown(loginIn(variables, loginNames(configured, variables), 'fixed'))).toBe(expected);
  });

  test('is exchanged, and nothing else', () => {
    const variables = { ...plain, ...url, MOOD: 'good', OTHER_URL: 'postgres://x:y@z/q' };
    const changed = withLogin(variables, loginNames(undefined, variables), fresh.login, 'f');
    expect(changed).toEqual({
      ...{ MOOD: 'good', OTHER_URL: 'postgres://x:y@z/q', PGUSER: 'shop_b', PGPASSWORD: 'new/p@ssword' },
      DATABASE_URL: 'postgres://shop_b:new%2Fp%40ssword@db:5432/shop?sslmode=require',
    });
  });

  test('is not exchanged where its user stands in the code, or where there is none', () => {
    const names = { password: 'P' };
    expect(() => withLogin({ P: 'p' }, names, fresh.login, 'function f', 'shop_a')).toThrowError(
      expect.objectContaining({
        code: 'CONSUMER_FIXED_USER',
        message: 'function f holds a password and no user name, so it cannot change from shop_a to shop_b',
      }),
    );
    const next = { ...fresh.login, user: 'shop_a' };
    expect(withLogin({ P: 'p' }, names, next, 'f', 'shop_a')).toEqual({ P: 'new/p@ssword' });
    expect(() => withLogin({}, {}, fresh.login, 'f', 'shop_b')).toThrowError(
      expect.objectContaining({ code: 'CONSUMER_WITHOUT_LOGIN' }),
    );
  });

  test('has a second candidate, or has it no more', () => {
    const given = withNext(plain, 'NEXT', fresh.login);
    expect(given).toEqual({ ...plain, NEXT: 'new/p@ssword' });
    expect(withNext(given, 'NEXT', undefined)).toEqual(plain);
  });

  test('has to fit into 4 KB, names and bytes counted', () => {
    expect(() => verifySize({ A: 'x'.repeat(4_095) }, 'f')).not.toThrow();
    expect(() => verifySize({ A: 'é'.repeat(2_048) }, 'f')).toThrowError(
      expect.objectContaining({
        code: 'ENVIRONMENT_TOO_LARGE',
        message: 'the environment of f would be 4097 bytes, and Lambda takes 4096',
      }),
    );
    const carrier = variablesCarrier(undefined, 'f');
    const full = { ...plain, A: 'x'.repeat(4_096 - 30 - 22) };
    expect(() => verifyRoom(carrier, full, prepared, 'f')).toThrowError(
      expect.objectContaining({ code: 'ENVIRONMENT_TOO_LARGE' }),
    );
  });

  test('is not known where AWS does not show it', () => {
    const hidden = { ErrorCode: 'AccessDeniedException', Message: 'no kms:Decrypt' };
    expect(hiddenReason({ Error: hidden })).toContain('no kms:Decrypt');
    expect(hiddenReason({ Variables: {} })).toBe(undefined);
  });
});

describe('a function that reads the store at its start', () => {
  const marked = (version: string | undefined): Record<string, string> =>
    version === undefined ? {} : { [markerVariable]: version };

  test.each([
    ['never shifted, nothing open', undefined, { current: old, pendingIsCurrent: false }, old],
    ['never shifted, before the promotion', undefined, prepared, old],
    ['never shifted, after it', undefined, promoted, old],
    ['shifted', fresh.versionId, promoted, fresh],
    ['shifted, then rolled back', fresh.versionId, prepared, fresh],
    ['its marker is of nobody', 'x', promoted, old],
  ] as const)('%s', (_, marker, known, expected) => {
    expect(markerCarrier.holds(marked(marker), known)).toBe(expected.login);
  });

  test('gets the id of the value, and no secret', () => {
    const change = markerCarrier.change(fresh, promoted);
    expect(change.apply({ MOOD: 'good' })).toEqual({ MOOD: 'good', [markerVariable]: fresh.versionId });
    expect([
      change.isIn(marked(fresh.versionId)),
      change.isIn(marked(versionOf('x', 'y').versionId)),
    ]).toEqual([true, false]);
  });
});
