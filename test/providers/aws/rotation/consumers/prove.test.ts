import { expect, test } from 'vitest';
import type { ConsumerWorld } from '../../../../../src/providers/aws/rotation/consumers/function-consumer.ts';
import { askFunction, probe, proverOf } from '../../../../../src/providers/aws/rotation/consumers/prove.ts';

/** Lambda's answers, one after another. */
function answering(...answers: (object | string)[]): { world: ConsumerWorld; asked: unknown[] } {
  const asked: unknown[] = [];
  const send = async ({ input }: { input: { Payload: Buffer; Qualifier: string } }) => {
    asked.push({ ...JSON.parse(input.Payload.toString()), to: input.Qualifier });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    const Payload = Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
    const isError = typeof answer === 'object' && 'errorType' in answer;
    return { Payload, ...(isError && { FunctionError: 'Unhandled' }) };
  };
  const world = { aws: { read: { lambda: { send } } } } as unknown as ConsumerWorld;
  return { world, asked };
}

const place = { name: 'f', qualifier: 'live' };
const good = { 'lambdapg:probe': 1, ok: true, user: 'shop_b', role: 'shop_app' };

test.each([
  ['the probe', good, probe, { ok: true, user: 'shop_b', detail: 'logs in as shop_b, acts as shop_app' }],
  [
    'the probe, refused',
    { 'lambdapg:probe': 1, ok: false, code: '28P01', message: 'password authentication failed' },
    probe,
    { ok: false, detail: '28P01: password authentication failed' },
  ],
  [
    'an old module',
    { statusCode: 404 },
    probe,
    { ok: false, detail: expect.stringContaining('lambdapg upgrade') },
  ],
  ['no JSON', 'ok', probe, { ok: false, detail: expect.stringContaining('does not answer the probe') }],
  [
    'an error',
    { errorType: 'Error', errorMessage: 'postgres://shop_a:secret@db' },
    { hello: 1 },
    { ok: false, detail: 'it throws Error' },
  ],
  [
    'an answer',
    { user: 'shop_b' },
    { a: 1 },
    { ok: true, user: 'shop_b', detail: 'says that it logs in as shop_b' },
  ],
  [
    'an HTTP answer',
    { statusCode: 200, body: '{"rows":[{"n":1},{"user":"shop_b"}]}' },
    { a: 1 },
    { ok: true, user: 'shop_b', detail: 'says that it logs in as shop_b' },
  ],
  [
    'a bad HTTP answer',
    { statusCode: 500, body: 'x' },
    { a: 1 },
    { ok: false, detail: 'it answers with status 500' },
  ],
  [
    'an answer without a user',
    { fine: true },
    { a: 1 },
    { ok: true, detail: 'answers, but names no "user"' },
  ],
  ['nothing', 'null', { a: 1 }, { ok: true, detail: 'answers, but names no "user"' }],
] as const)('%s', async (_, answer, asking, expected) => {
  const { world, asked } = answering(answer);
  expect(await askFunction(world, place, asking)).toEqual(expected);
  expect(asked).toEqual([{ ...asking, to: 'live' }]);
});

test('two versions have to agree', async () => {
  const places = ['1', '2'].map((qualifier) => ({ name: 'f', qualifier }));
  const prove = async (...answers: object[]) => {
    const { world } = answering(...answers);
    return (await proverOf(world, async () => places, probe).prove?.())?.detail;
  };
  expect(await prove(good, good)).toBe('logs in as shop_b, acts as shop_app');
  expect(await prove({ ...good, user: 'shop_a' }, good)).toBe('its versions log in as shop_a and shop_b');
  expect(await prove(good, { ...good, ok: false, code: '28P01', message: 'no' })).toBe('28P01: no');
});

test('a function that cannot be invoked, or must not be', async () => {
  const denied = Object.assign(new Error('not authorized to perform: lambda:InvokeFunction'), {
    ...{ name: 'AccessDeniedException', $metadata: { httpStatusCode: 403 } },
  });
  const { world } = answering(denied);
  expect(await askFunction(world, place, probe)).toMatchObject({
    ...{ ok: false, detail: expect.stringContaining('lambda:InvokeFunction') },
  });
  expect(proverOf(world, async () => [place], false)).toEqual({
    unproved: 'lambdapg.json says that it is not to be invoked ("event": false)',
  });
});
