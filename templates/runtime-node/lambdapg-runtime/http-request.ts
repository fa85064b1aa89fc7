// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.

/** For one request, from the name to the last byte. An answer takes some 10 ms; a missing route never answers. */
export const answerWithinMs = 3_000;
const pauseMs = 100;

export interface Answer {
  /** 0: there was none. */
  readonly status: number;
  readonly text: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Sends what `make` gives, twice where the first try failed in passing. Never rejects.
 *
 * @param make called for each try: a signature has its moment
 */
export async function ask(make: () => HttpRequest): Promise<Answer> {
  const answer = await send(make());
  if (!isPassing(answer)) return answer;
  await new Promise((resolve) => setTimeout(resolve, pauseMs * (1 + Math.random())));
  return send(make());
}

function isPassing({ status, text }: Answer): boolean {
  return status === 0 || status === 429 || status >= 500 || /Throttling|TooManyRequests/.test(text);
}

/** Not `fetch`, which takes a cold start four times as long; loaded only where there is something to read. */
async function send({ method, url, headers, body }: HttpRequest): Promise<Answer> {
  const { request } = url.startsWith('http:') ? await import('node:http') : await import('node:https');
  // A connection of its own: a kept one would die unnoticed while the environment is frozen.
  const options = { method, headers, agent: false, signal: AbortSignal.timeout(answerWithinMs) };
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => resolve({ status: 0, text: explainSilence(error) });
    const sent = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', fail);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
      });
    });
    sent.on('error', fail).end(body);
  });
}

function explainSilence(error: NodeJS.ErrnoException): string {
  if (error.name === 'AbortError') return `no answer within ${answerWithinMs} ms`;
  // Empty where several addresses were tried.
  return error.message || (error.code ?? error.name);
}
