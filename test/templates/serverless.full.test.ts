import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, test } from 'vitest';
import { installedFor } from './engine-packages.ts';
import { everyStack } from './stack-variants.ts';
import { verifyServerless } from './verify-variant.ts';

/** To compile a layer osls asks for the stack that is deployed; here there is none. */
const noStack = createServer((_request, response) => {
  const error =
    '<Error><Code>ValidationError</Code><Message>Stack with id my-library-dev does not exist</Message></Error>';
  response.writeHead(400, { 'content-type': 'text/xml' }).end(`<ErrorResponse>${error}</ErrorResponse>`);
});

beforeAll(async () => {
  await Promise.all([installedFor('serverless'), installedFor('cdk')]);
  await new Promise<void>((done) => noStack.listen(0, '127.0.0.1', done));
}, 240_000);
afterAll(() => noStack.close());

test.each(everyStack('serverless'))('%s', { timeout: 120_000 }, async (_title, flags) => {
  const { port } = noStack.address() as AddressInfo;
  await verifyServerless('api', flags, {
    ...{ AWS_ACCESS_KEY_ID: 'testing', AWS_SECRET_ACCESS_KEY: 'testing' },
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  });
});
