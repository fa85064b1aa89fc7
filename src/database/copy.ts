import { once } from 'node:events';
import { from } from 'pg-copy-streams';
import type { Client } from './with-client.ts';

/**
 * Runs a `COPY … FROM STDIN` with the bytes of `source`, at the pace of the server. Memory is what `source` yields
 * at a time; chunks of 1 MiB reach psql's speed, 64 KiB cost a tenth of it.
 *
 * @returns the number of rows that the server took
 * @throws what `source` threw, after the server has given the COPY up; the server's own error otherwise
 */
export async function copyFrom(client: Client, sql: string, source: AsyncIterable<Buffer>): Promise<number> {
  const stream = client.query(from(sql));
  const refused = new Promise<never>((_resolve, reject) => stream.once('error', reject));
  refused.catch(() => {});
  // Not `pipeline`: it destroys the stream after a server error too, and the stream would then wait for a second one.
  let serverRefused = false;
  stream.on('error', () => {
    serverRefused = true;
  });
  try {
    for await (const chunk of source) {
      // The refusal of an earlier chunk may have come while this one was read; the stream has no connection then.
      if (serverRefused) await refused;
      if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), refused]);
    }
    stream.end();
    await Promise.race([once(stream, 'finish'), refused]);
    return stream.rowCount;
  } catch (error) {
    if (!serverRefused) {
      const closed = once(stream, 'close').catch(() => {});
      // This text reaches the server's log, so it holds nothing of the data.
      stream.destroy(new Error('the client gave up'));
      await closed;
    }
    throw error;
  }
}
