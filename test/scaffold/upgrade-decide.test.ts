import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { contentOf } from '../../src/scaffold/upgrade/content.ts';
import { decideFile } from '../../src/scaffold/upgrade/decide-file.ts';
import type { FileChange } from '../../src/scaffold/upgrade/file-change.ts';

const labels = { mine: 'yours', base: 'lambdapg 1.0.0', theirs: 'lambdapg 2.0.0' };
type Side = Uint8Array | string | undefined;

function decide(
  [base, mine, theirs]: readonly [Side, Side, Side],
  { path = 'a.ts', conflicts = 'new' as 'new' | 'markers' } = {},
): FileChange | undefined {
  const content = (side: Side) => (side === undefined ? undefined : contentOf(side));
  return decideFile({ path, base: content(base), mine: content(mine), theirs }, { conflicts, labels });
}

/** Three lines of which any can be changed, one can be added at each end, one taken out: and all of that with CRLF. */
const base = ['one', 'two', 'three', 'four', 'five', ''];
const edits: Readonly<Record<string, (lines: readonly string[], who: string) => readonly string[]>> = {
  nothing: (lines) => lines,
  top: (lines, who) => [`${who} top`, ...lines],
  end: (lines, who) => [...lines.slice(0, -1), `${who} end`, ''],
  second: (lines, who) => lines.with(1, `${who} second`),
  fourth: (lines, who) => lines.with(3, `${who} fourth`),
  'insert in the middle': (lines, who) => lines.toSpliced(2, 0, `${who} a`, `${who} b`),
  'without the second': (lines) => lines.toSpliced(1, 1),
  'without the last line end': (lines) => lines.slice(0, -1),
  empty: () => [''],
  'all new': (_lines, who) => [`${who} 1`, `${who} 2`],
  'moved about': (lines) => [...lines.slice(0, -1).reverse(), ''],
};
const names = Object.keys(edits);
const table = names.flatMap((mine) =>
  names.flatMap((theirs) => ['\n', '\r\n'].map((end) => [mine, theirs, end] as const)),
);

const edited = (name: string, who: string, end: string): string => (edits[name]?.(base, who) ?? []).join(end);
const asText = (content: Side): string => (content === undefined ? '' : Buffer.from(content).toString());

describe('text', () => {
  test.each(table)('mine: %s, theirs: %s (%j): no change of mine is lost', (mineName, theirsName, end) => {
    // The template always has LF; git or an editor may have given the person's file CRLF.
    const [mine, theirs] = [edited(mineName, 'mine', end), edited(theirsName, 'theirs', '\n')];
    for (const conflicts of ['new', 'markers'] as const) {
      const change = decide([base.join('\n'), mine, theirs], { conflicts });
      if (change === undefined) throw new Error('no decision');
      const result = change.write === undefined ? mine : asText(change.write);
      const added = mine.split('\n').filter((line) => line.startsWith('mine'));
      for (const line of added) expect(result.split('\n').map(trimmed)).toContain(trimmed(line));
      // What I took out does not come back.
      const gone = base.filter((line) => !mine.split('\n').map(trimmed).includes(line) && line !== '');
      if (change.action === 'merged')
        for (const line of gone) expect(result.split('\n').map(trimmed)).not.toContain(line);
      // What they added is in the file or beside it.
      const wanted = theirs.split('\n').filter((line) => line.startsWith('theirs'));
      const both = `${result}\n${asText(change.beside)}`.split('\n').map(trimmed);
      for (const line of wanted) expect(both).toContain(line);
      if (mineName !== 'nothing' && theirsName === 'nothing') expect(change.write).toBeUndefined();
      if (mineName === 'nothing') expect(trimmedLines(result)).toEqual(trimmedLines(theirs));
      if (change.action === 'conflict' && conflicts === 'new') expect(change.write).toBeUndefined();
      // Ends of lines stay the person's.
      if (end === '\r\n' && mine.includes(end)) expect(result).not.toMatch(/[^\r]\n/);
      if (end === '\n') expect(result).not.toContain('\r');
    }
  });

  test('what both changed is a conflict, in the style that was asked for', () => {
    const sides = ['a\nb\nc\n', 'a\nmine\nc\n', 'a\ntheirs\nc\n'] as const;
    expect(decide(sides)).toEqual({
      path: 'a.ts',
      action: 'conflict',
      conflicts: [{ place: 'line 2', mine: 'mine', theirs: 'theirs' }],
      beside: 'a\ntheirs\nc\n',
    });
    expect(decide(sides, { conflicts: 'markers' })?.write).toBe(
      'a\n<<<<<<< yours\nmine\n||||||| lambdapg 1.0.0\nb\n=======\ntheirs\n>>>>>>> lambdapg 2.0.0\nc\n',
    );
  });

  test('the same change by both is none', () => {
    expect(decide(['a\n', 'b\n', 'b\n'])?.action).toBe('unchanged');
  });

  test('a file of mixed line ends keeps each of its own', () => {
    const mine = 'one\r\ntwo\r\nmine\nfour\r\nfive\r\n';
    const change = decide(['one\ntwo\nthree\nfour\nfive\n', mine, 'ONE\ntwo\nthree\nfour\nfive\n']);
    expect(change).toMatchObject({ action: 'merged', write: 'ONE\r\ntwo\r\nmine\nfour\r\nfive\r\n' });
  });

  test('thousands of equal lines are a conflict at once, and not a merge for hours', () => {
    const base = Array.from({ length: 20_000 }, (_, at) => (at % 2 === 0 ? '' : `${at}`)).join('\n');
    const change = decide([base, `mine\n${base}`, `${base}\ntheirs`]);
    expect(change).toMatchObject({ action: 'conflict', reason: 'too many lines to merge' });
    expect(change?.write).toBeUndefined();
  });

  test('a byte order mark and another encoding are the person’s', () => {
    const marked = '\uFEFFone\ntwo\nthree\n';
    expect(decide(['one\ntwo\nthree\n', Buffer.from(marked), 'one\ntwo\nTHREE\n'])?.write).toBe(
      '\uFEFFone\ntwo\nTHREE\n',
    );
    const latin = Buffer.from('gr\xfcn\n', 'latin1');
    expect(decide(['green\n', latin, 'GREEN\n'])).toMatchObject({ action: 'conflict', beside: 'GREEN\n' });
  });

  test('hundreds of random edits: as git merges them, and no line is lost', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lambdapg-merge-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const random = generator(7);
    const files = ['mine', 'base', 'theirs'].map((name) => join(folder, name));
    const agreed = { clean: 0, conflict: 0, otherwise: 0 };
    for (let round = 0; round < 80; round += 1) {
      const before = Array.from({ length: 8 + random(12) }, (_, at) => (random(4) === 0 ? '}' : `${at}`));
      const [mine, theirs] = [randomEdits(before, 'mine', random), randomEdits(before, 'theirs', random)];
      const texts = [mine, before, theirs].map((lines) => `${lines.join('\n')}\n`) as [
        string,
        string,
        string,
      ];
      await Promise.all(files.map((file, at) => writeFile(file, texts[at] ?? '')));
      const git = await execa('git', ['merge-file', '-p', ...files], {
        reject: false,
        stripFinalNewline: false,
      });
      const change = decide([texts[1], texts[0], texts[2]]);
      const clean = change?.action !== 'conflict';
      const result = clean && change?.write !== undefined ? asText(change.write) : texts[0];
      for (const line of mine.filter((each) => each.startsWith('mine')))
        expect(result.split('\n')).toContain(line);
      if (clean && git.exitCode === 0 && change?.action === 'merged') expect(result).toBe(git.stdout);
      if (clean !== (git.exitCode === 0)) agreed.otherwise += 1;
      else agreed[clean ? 'clean' : 'conflict'] += 1;
    }
    expect(agreed.clean).toBeGreaterThan(20);
    // Edits on neighbouring lines are a conflict to the one and not to the other.
    expect(agreed.otherwise).toBeLessThan(5);
  });
});

/** The same numbers each time: an LCG with the constants of Numerical Recipes. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomEdits(lines: readonly string[], who: string, random: (below: number) => number): string[] {
  const edited = [...lines];
  for (let left = 1 + random(4); left > 0; left -= 1) {
    const at = random(edited.length);
    const kind = random(3);
    const added = kind === 1 ? [] : [`${who} ${random(1e6)}`];
    edited.splice(at, kind === 0 ? 0 : 1, ...added);
  }
  return edited;
}

describe('a file that is not on every side', () => {
  const bytes = Buffer.from([0, 1, 2]);
  test.each<[string, [Side, Side, Side], Partial<FileChange> | undefined]>([
    ['new in the template', [undefined, undefined, 't'], { action: 'new', write: 't' }],
    ['new on both sides, the same', [undefined, 't', 't'], { action: 'unchanged' }],
    ['new on both sides', [undefined, 'm', 't'], { action: 'conflict', beside: 't' }],
    ['deleted here', ['b', undefined, 'b'], { action: 'unchanged' }],
    ['deleted here, changed there', ['b', undefined, 't'], { action: 'kept' }],
    ['dropped there', ['b', 'b', undefined], { action: 'removed' }],
    ['dropped there, CRLF here', ['b\n', 'b\r\n', undefined], { action: 'removed' }],
    ['dropped there, changed here', ['b', 'm', undefined], { action: 'kept' }],
    ['gone on both sides', ['b', undefined, undefined], undefined],
    ['only here', [undefined, 'm', undefined], undefined],
    ['bytes, changed there', [bytes, bytes, Buffer.from([0, 9])], { action: 'updated' }],
    [
      'bytes, changed on both sides',
      [bytes, Buffer.from([0, 8]), Buffer.from([0, 9])],
      { action: 'conflict' },
    ],
    ['bytes, dropped there', [bytes, bytes, undefined], { action: 'removed' }],
  ])('%s', (_name, sides, expected) => {
    const change = decide(sides);
    if (expected === undefined) expect(change).toBeUndefined();
    else expect(change).toMatchObject(expected);
    if (change?.action === 'kept' || change?.action === 'conflict') expect(change.write).toBeUndefined();
  });
});

const trimmed = (line: string): string => line.replace(/\r$/, '');
const trimmedLines = (text: string): string[] => text.split('\n').map(trimmed);
