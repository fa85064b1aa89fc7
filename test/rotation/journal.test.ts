import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fingerprintOf } from '../../src/database/fingerprint.ts';
import { fingerprintKey, rotationsDir } from '../../src/rotation/fingerprint.ts';
import { fileJournal } from '../../src/rotation/journal.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { pastRotations } from '../../src/rotation/status.ts';
import { FakeClock } from './fake-clock.ts';
import { login } from './memory-store.ts';
import { MemoryWorld } from './memory-world.ts';
import { testContext, wishFor } from './test-run.ts';

let project: string;
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'lambdapg-journal-'));
});
afterEach(() => rm(project, { recursive: true, force: true }));

test('a fingerprint needs the key, the user and the password', async () => {
  const key = await fingerprintKey(project);
  const one = fingerprintOf(key, login('shop_a', 'secret'));
  expect(one).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprintOf(await fingerprintKey(project), login('shop_a', 'secret'))).toBe(one);
  expect(fingerprintOf(key, login('shop_b', 'secret'))).not.toBe(one);
  expect(fingerprintOf(key, login('shop_a', 'other'))).not.toBe(one);
  expect(fingerprintOf(Buffer.alloc(32), login('shop_a', 'secret'))).not.toBe(one);
});

test('the key is for its owner alone, and one that is spoiled is replaced', async () => {
  const key = await fingerprintKey(project);
  const path = join(rotationsDir(project), 'key');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await writeFile(path, 'spoiled');
  const other = await fingerprintKey(project);
  expect(other).not.toEqual(key);
  expect(await fingerprintKey(project)).toEqual(other);
});

test('whatever is no line is left out, and what follows is read', async () => {
  const journal = fileJournal(project, 'dev');
  await journal.append('one', { event: 'begun', at: 1, strategy: 'slots', user: 'shop_a', rollback: false });
  const [file] = (await readdir(rotationsDir(project))).filter((name) => name.endsWith('.jsonl'));
  expect(file).toBe('dev-one.jsonl');
  const path = join(rotationsDir(project), file ?? '');
  await appendFile(path, '{"at":2,"event":"en');
  await journal.append('one', { event: 'ended', at: 3, outcome: 'closed', durationMs: 2 });
  await appendFile(path, '\u0000\u0000[]\nnull\n{"at":"4"}\n');
  expect((await journal.read('one')).map(({ at }) => at)).toEqual([1, 3]);
  await writeFile(path, Buffer.from([0xff, 0xfe, 0x00]));
  expect(await journal.read('one')).toEqual([]);
  expect(await journal.read('another')).toEqual([]);
  expect(await fileJournal(project, 'prod').rotations()).toEqual([]);
});

test('it tells how a rotation went, and holds no password', async () => {
  const clock = new FakeClock();
  const world = new MemoryWorld({ clock: clock.now });
  const journal = fileJournal(project, 'dev');
  const wish = wishFor();
  await rotate(testContext(), world.parts, wish, { journal, clock });
  const [past] = await pastRotations(journal);
  expect(past).toMatchObject({ rotation: wish.start, outcome: 'closed' });
  expect(past?.effects.map(({ name }) => name)).toEqual([
    'put-pending',
    'set-password',
    'promote',
    'prove',
    'retire',
    'clear-pending',
  ]);
  const text = await readFile(join(rotationsDir(project), `dev-${wish.start}.jsonl`), 'utf8');
  for (const value of world.store.versions.values()) expect(text).not.toContain(value?.password.reveal());
});
