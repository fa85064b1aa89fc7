import { describe, expect, test } from 'vitest';
import { FrameReader } from '../../../src/local/proxy/frames.ts';
import { message } from '../../../src/local/proxy/messages.ts';

const watched = new Map([
  ['Q', 4],
  ['S', 0],
]);

/** The types with what was shown of them, and all bytes put together. */
function readAll(stream: Buffer, pieceLength: number): { frames: string[]; bytes: Buffer } {
  const reader = new FrameReader(watched);
  const frames: string[] = [];
  const bytes: Buffer[] = [];
  for (let at = 0; at < stream.length; at += pieceLength) {
    reader.push(stream.subarray(at, at + pieceLength));
    for (let piece = reader.next(); piece !== undefined; piece = reader.next()) {
      if (piece.frame !== undefined)
        frames.push(`${piece.frame.type}${piece.frame.body}${piece.frame.complete ? '' : '…'}`);
      bytes.push(piece.bytes);
    }
  }
  expect(reader.size).toBe(0);
  expect(reader.midMessage).toBe(false);
  return { frames, bytes: Buffer.concat(bytes) };
}

describe('FrameReader', () => {
  const stream = Buffer.concat([
    message('d', Buffer.from('flows by')),
    message('Q', Buffer.from('abc')),
    message('d', Buffer.from('more')),
    message('d', Buffer.alloc(0)),
    message('Q', Buffer.from('longer than it holds')),
    message('S'),
    message('Q', Buffer.alloc(0)),
  ]);

  test('sees the same however the stream is cut, and hands out every byte once', () => {
    for (let length = 1; length <= stream.length; length += 1) {
      const { frames, bytes } = readAll(stream, length);
      expect(frames, `${length}`).toEqual(['Qabc', 'Qlong…', 'S', 'Q']);
      expect(bytes.equals(stream), `${length}`).toBe(true);
    }
  });

  test('a message that waits to be whole is handed out only then', () => {
    const reader = new FrameReader(watched);
    reader.push(message('Q', Buffer.from('abc')).subarray(0, 7));
    expect(reader.next()).toBeUndefined();
    expect(reader.size).toBe(7);
  });

  test('a long message is in the middle until its last byte', () => {
    const reader = new FrameReader(watched);
    const long = message('d', Buffer.alloc(100));
    reader.push(long.subarray(0, 50));
    expect(reader.next()?.bytes).toHaveLength(50);
    expect(reader.midMessage).toBe(true);
    reader.push(long.subarray(50));
    expect(reader.next()?.bytes).toHaveLength(55);
    expect(reader.midMessage).toBe(false);
  });

  test.each([[Buffer.from('Q\0\0\0\x03')], [Buffer.from('GET / HTTP/1.1\r\n')]])(
    'refuses what is no message',
    (bytes) => {
      const reader = new FrameReader(watched);
      reader.push(bytes);
      expect(() => reader.next()).toThrow(RangeError);
    },
  );
});
