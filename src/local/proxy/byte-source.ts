import type { Duplex } from 'node:stream';

/** Reads a socket piece by piece, for the time in which one side waits for the other: start-up and login. */
export interface ByteSource {
  /** The next `count` bytes. @throws Error when the socket ends before */
  read(count: number): Promise<Buffer>;
  /** Gives the socket back; what was read too much is returned. */
  release(): Buffer;
}

/** The longest thing that is awaited here: start-up packets are limited to 10000 bytes, as in PostgreSQL. */
const longest = 65_536;

export function readBytes(socket: Duplex): ByteSource {
  let buffer = Buffer.alloc(0);
  let failure: Error | undefined;
  let wake: () => void = () => {};
  const onData = (chunk: Buffer): void => {
    buffer = Buffer.concat([buffer, chunk]);
    if (buffer.length > longest) socket.pause();
    wake();
  };
  const onEnd = (): void => {
    failure ??= new Error('the connection was closed');
    wake();
  };
  const onError = (error: Error): void => {
    failure ??= error;
    wake();
  };
  socket.on('data', onData).on('error', onError).on('end', onEnd).on('close', onEnd);
  return {
    async read(count) {
      if (count > longest) throw new RangeError(`a message of ${count} bytes is too long here`);
      while (buffer.length < count) {
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const taken = buffer.subarray(0, count);
      buffer = buffer.subarray(count);
      socket.resume();
      return taken;
    },
    release() {
      // Nothing may arrive between two readers.
      socket.pause();
      socket.off('data', onData).off('error', onError).off('end', onEnd).off('close', onEnd);
      return buffer;
    },
  };
}

/** One typed message. */
export async function readMessage(source: ByteSource): Promise<{ type: string; body: Buffer }> {
  const head = await source.read(5);
  const length = head.readUInt32BE(1) - 4;
  if (length < 0) throw new RangeError('the bytes are no message of the protocol');
  return { type: String.fromCharCode(head[0] ?? 0), body: await source.read(length) };
}
