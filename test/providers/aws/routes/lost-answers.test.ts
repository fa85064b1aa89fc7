import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { queryJob } from '../../../../src/jobs/query-job.ts';
import { seedJob } from '../../../../src/jobs/seed-job.ts';
import { runnerRoute } from '../../../../src/providers/aws/routes/runner-route.ts';
import { catchUserError, useSchemaBed } from '../../../seed/schema-bed.ts';
import { functionName, lambdaClient, useRunner } from './runner-bed.ts';

const bed = useSchemaBed();
const startRunner = useRunner(bed);

/** What happens to each invocation in turn; those after the last pass. */
type Fault = 'pass' | 'throttle' | 'lose-answer' | 'lose-request';

async function openThrough(...faults: Fault[]) {
  const { lambda } = await startRunner();
  const server = createServer(
    (request, response) => void relay(faults.shift() ?? 'pass', lambda.port, request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { admin, ownerRole = '' } = bed().target;
  const client = lambdaClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return runnerRoute(bed().context, { lambda: client, functionName, admin, ownerRole });
}

async function relay(
  fault: Fault,
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (fault === 'lose-request') return void request.socket.destroy();
  if (fault === 'throttle') {
    request.resume();
    response.writeHead(429, { 'x-amzn-errortype': 'TooManyRequestsException' });
    return void response.end('{"Type":"User","message":"Rate Exceeded."}');
  }
  const { method, url, headers } = request;
  const onwards = send({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    if (fault === 'lose-answer') {
      answer.resume();
      answer.on('end', () => request.socket.destroy());
      return;
    }
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  });
  request.pipe(onwards);
}

const input = (text: string) => ({ path: '-c', text, oneTransaction: true, maxRows: 10, maxSize: 1e6 });

describe('what happens to an invocation on its way', () => {
  test('a job whose answer was lost is not sent again: nobody knows, and that is said', async () => {
    await bed().sql('CREATE TABLE made (id serial)');
    const route = await openThrough('lose-answer');
    const insert = input('INSERT INTO made DEFAULT VALUES');
    const lost = await catchUserError(route.run(queryJob, bed().target.admin, insert));
    expect(lost).toMatchObject({ code: 'RUNNER_ANSWER_LOST', exit: 75 });
    expect(await bed().sql('SELECT FROM made')).toHaveLength(1);
    const unsent = await openThrough('lose-request');
    await catchUserError(unsent.run(queryJob, bed().target.admin, insert));
    expect(await bed().sql('SELECT FROM made')).toHaveLength(1);
  });

  test('one that was throttled is sent again', async () => {
    const route = await openThrough('throttle', 'throttle');
    const { results } = await route.run(queryJob, bed().app, input('SELECT 1'));
    expect(results[0]?.rows).toEqual([['1']]);
  });

  test('a chunk is written and fetched again, and the outcome is the same', async () => {
    await bed().sql('CREATE TABLE books (id int PRIMARY KEY, title text)');
    const bytes = randomBytes(4_500_000);
    const titles = Array.from({ length: 500 }, (_, at) => bytes.toString('hex', at * 9000, (at + 1) * 9000));
    await bed().write(
      'seeds/books.csv',
      `id,title\n${titles.map((title, at) => `${at + 1},${title}`).join('\n')}\n`,
    );
    const seeding = await openThrough('lose-answer', 'pass', 'lose-request');
    const options = {
      ownerRole: 'library_owner',
      projectDir: bed().projectDir,
      truncate: false,
      dryRun: false,
    };
    expect(await seeding.run(seedJob, bed().target.admin, options)).toMatchObject({
      files: [{ inserted: 500 }],
    });

    const asking = await openThrough('pass', 'lose-answer', 'throttle');
    const all = { ...input('SELECT title FROM books ORDER BY id'), maxRows: 1e6, maxSize: 1e9 };
    const { results } = await asking.run(queryJob, bed().app, all);
    expect(results[0]?.rows.flat()).toEqual(titles);
  });

  test('statements that fit into no invocation are refused before anything is sent', async () => {
    const route = await openThrough('lose-request');
    const text = `SELECT '${randomBytes(5_000_000).toString('hex')}'`;
    const refused = await catchUserError(route.run(queryJob, bed().app, input(text)));
    expect(refused).toMatchObject({ code: 'INPUT_TOO_LONG', exit: 2 });
  });
});
