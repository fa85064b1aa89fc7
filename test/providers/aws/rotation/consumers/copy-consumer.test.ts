import { beforeAll, describe, expect, test } from 'vitest';
import type { UserError } from '../../../../../src/errors.ts';
import { parameterCopy } from '../../../../../src/providers/aws/rotation/consumers/parameter-copy.ts';
import { secretCopy } from '../../../../../src/providers/aws/rotation/consumers/secret-copy.ts';
import type { StoreSeen } from '../../../../../src/rotation/parts.ts';
import { type Bed, startBed } from '../../../../bed/bed.ts';
import { type ConsumerBed, fresh, old, prepared, promoted, shown, startConsumerBed } from './consumer-bed.ts';

let bed: Bed;
let world: ConsumerBed;

beforeAll(async () => {
  bed = await startBed();
  world = await startConsumerBed({ bed });
  return () => bed.stop();
});

interface Kept {
  readonly Value: string;
  readonly Type: string;
  readonly Version: number;
}

async function parameter(Name: string): Promise<Kept> {
  const input = { Name, WithDecryption: true };
  const { Parameter } = await bed.aws<{ Parameter: Kept }>({ service: 'ssm', action: 'GetParameter', input });
  return Parameter;
}

const put = (Name: string, Value: string, more = {}) =>
  bed.aws({ service: 'ssm', action: 'PutParameter', input: { Name, Value, Type: 'SecureString', ...more } });

describe('a copy in a parameter', () => {
  test.each([
    [
      'json',
      JSON.stringify({ host: 'db', username: 'shop_a', password: 'old-password' }),
      JSON.stringify({ host: 'db', username: 'shop_b', password: 'new/p@ssword' }),
    ],
    ['url', 'postgres://shop_a:old-password@db/shop', 'postgres://shop_b:new%2Fp%40ssword@db/shop'],
  ] as const)('as %s is exchanged and stays what it is', async (form, before, after) => {
    const Name = `/shop/${form}`;
    await put(Name, before, { KeyId: 'alias/shop', Tier: 'Advanced' });
    const copy = parameterCopy(world.world, { parameter: Name, form, cacheSeconds: 60 });
    const seen = await copy.read(prepared);
    expect(seen).toMatchObject({ kind: 'holds', state: 'ready', staged: false, drainMs: 60_000 });
    expect(shown(seen.holds)).toBe(shown(old.login));
    await copy.shift?.(fresh, 0);
    expect((await parameter(Name)).Version).toBe(1);
    await copy.shift?.(fresh, 100);
    expect(await parameter(Name)).toMatchObject({ Value: after, Type: 'SecureString', Version: 2 });
    // Without them it would go to the account's own key and tier.
    const puts = (await bed.requests()).filter(({ action }) => action === 'PutParameter');
    expect(puts.at(-1)?.input).toMatchObject({ Name, KeyId: 'alias/shop', Tier: 'Advanced' });
    expect(shown((await copy.read(promoted)).holds)).toBe(shown(fresh.login));
    expect(copy.unproved).toContain('cannot be asked');
  });

  test('of the password alone follows one role, and no change of it', async () => {
    await put('/shop/password', 'old-password');
    const copy = parameterCopy(world.world, { parameter: '/shop/password', form: 'password' });
    const seen = await copy.read(prepared);
    expect([shown(seen.holds), seen.drainMs]).toEqual([shown(old.login), 300_000]);
    await expect(copy.shift?.(fresh, 100)).rejects.toMatchObject({ code: 'CONSUMER_FIXED_USER' });
    const next = { ...fresh, login: { ...fresh.login, user: 'shop_a' } };
    await copy.shift?.(next, 100);
    expect((await parameter('/shop/password')).Value).toBe('new/p@ssword');
    const known: StoreSeen = { current: next, pendingIsCurrent: true };
    expect(shown((await copy.read(known)).holds)).toBe(shown(next.login));
  });

  test('that somebody else changes at the same moment: it is said', async () => {
    await put('/shop/raced', 'postgres://shop_a:old-password@db/shop');
    const copy = parameterCopy(world.world, { parameter: '/shop/raced', form: 'url' });
    await copy.read(prepared);
    const undo = await bed.hook({ after: ['ssm:GetParameter'] }, async () => {
      await put('/shop/raced', 'postgres://shop_a:old-password@db/shop?theirs', { Overwrite: true });
      return undefined;
    });
    await expect(copy.shift?.(fresh, 100)).rejects.toMatchObject({
      ...{ code: 'CHANGED_MEANWHILE', suggestions: [expect.stringContaining('their version 2')] },
    });
    await undo();
    expect(shown((await copy.read(promoted)).holds)).toBe(shown(fresh.login));
  });

  test('that is not there, or not to be seen', async () => {
    const none = parameterCopy(world.world, { parameter: '/none', form: 'json' });
    expect(await none.read(prepared)).toMatchObject({
      ...{ state: 'unreachable', why: 'there is no parameter /none', holds: undefined },
    });
    await put('/shop/hidden', 'x');
    await bed.fault({ service: 'ssm', action: 'GetParameter', kind: 'access-denied', count: 2 });
    const hidden = parameterCopy(world.world, { parameter: '/shop/hidden', form: 'json' });
    expect((await hidden.read(prepared)).state).toBe('unreachable');
    await expect(hidden.shift?.(fresh, 100)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect((await parameter('/shop/hidden')).Value).toBe('x');
  });

  test('in the open is named', async () => {
    await put('/shop/open', 'postgres://shop_a:old-password@db/shop', { Type: 'String' });
    const copy = parameterCopy(world.world, { parameter: '/shop/open', form: 'url' });
    expect(await copy.verify?.(prepared)).toEqual([expect.stringContaining('SecureString')]);
    await copy.read(prepared);
    await copy.shift?.(fresh, 100);
    expect(await parameter('/shop/open')).toMatchObject({ Type: 'String' });
  });
});

describe('a copy in another secret', () => {
  const stored = async (SecretId: string): Promise<string> =>
    String(
      (await bed.aws({ service: 'secretsmanager', action: 'GetSecretValue', input: { SecretId } }))
        .SecretString,
    );

  test('is exchanged, and goes back', async () => {
    const before = { engine: 'postgres', username: 'shop_a', password: 'old-password' };
    const input = { Name: 'team/copy', SecretString: JSON.stringify(before) };
    await bed.aws({ service: 'secretsmanager', action: 'CreateSecret', input });
    const copy = secretCopy(world.world, { secret: 'team/copy', form: 'json' });
    expect(shown((await copy.read(prepared)).holds)).toBe(shown(old.login));
    await copy.shift?.(fresh, 100);
    expect(JSON.parse(await stored('team/copy'))).toEqual({
      ...{ engine: 'postgres', username: 'shop_b', password: 'new/p@ssword' },
    });
    await copy.shift?.(old, 100);
    expect(JSON.parse(await stored('team/copy'))).toEqual(before);
    await copy.shift?.(fresh, 100);
    expect(shown((await copy.read(promoted)).holds)).toBe(shown(fresh.login));
  });

  test('that somebody else changes at the same moment: it is said', async () => {
    const text = (user: string): string => `postgres://${user}:old-password@db/shop`;
    const input = { Name: 'team/raced', SecretString: text('shop_a') };
    await bed.aws({ service: 'secretsmanager', action: 'CreateSecret', input });
    const copy = secretCopy(world.world, { secret: 'team/raced', form: 'url' });
    await copy.read(prepared);
    const theirs = { SecretId: 'team/raced', SecretString: text('theirs') };
    const undo = await bed.hook({ after: ['secretsmanager:GetSecretValue'] }, async () => {
      await bed.aws({ service: 'secretsmanager', action: 'PutSecretValue', input: theirs });
      return undefined;
    });
    const error = await copy.shift?.(fresh, 100).catch((reason: unknown) => reason);
    await undo();
    expect(error).toMatchObject({ code: 'CHANGED_MEANWHILE' });
    const [, version] = /--version-id (\S+)/.exec(String((error as UserError).suggestions)) ?? [];
    const lost = { SecretId: 'team/raced', VersionId: version };
    const shownTo = await bed.aws({ service: 'secretsmanager', action: 'GetSecretValue', input: lost });
    expect(shownTo.SecretString).toBe(theirs.SecretString);
    expect(shown((await copy.read(promoted)).holds)).toBe(shown(fresh.login));
  });

  test('that is not there', async () => {
    const copy = secretCopy(world.world, { secret: 'none', form: 'url' });
    expect(await copy.read(prepared)).toMatchObject({ state: 'unreachable', why: 'there is no secret none' });
  });
});
