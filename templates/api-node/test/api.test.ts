import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Book } from '../src/books.ts';
import type { OverdueLoan } from '../src/overdue.ts';

/*
 * Run by `npm test`: `lambdapg dev` serves the functions on a database of their own, migrated and seeded, which is
 * gone afterwards, and says in API_URL where. So these requests take the way that real ones take.
 */
const api = process.env.API_URL;
assert.ok(api, 'API_URL is not set: run the tests with "npm test"');

const get = (path: string): Promise<Response> => fetch(`${api}${path}`);
const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`${api}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

test('the API is healthy when its database answers', async () => {
  const response = await get('/health');
  assert.equal(response.status, 200);
  assert.equal(((await response.json()) as { status: string }).status, 'ok');
});

test('a new book can be read back', async () => {
  const created = await post('/books', { title: 'Middlemarch', published_date: '1871-12-01' });
  assert.equal(created.status, 201);
  const found = await get(created.headers.get('location') ?? '');
  const book = (await found.json()) as Book;
  assert.equal(book.title, 'Middlemarch');
  assert.equal(book.published_date, '1871-12-01');
});

test('a book without a title is refused, with the reason', async () => {
  const response = await post('/books', { published_date: '1871-12-01' });
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { error: { code: 'bad_request', message: 'title is required' } });
});

test('a book on loan is not available and cannot be lent again', async () => {
  const before = await availableIds();
  assert.ok(before.includes(4));

  assert.equal((await post('/loans', { book_id: 4, borrower_id: 1 })).status, 201);

  assert.ok(!(await availableIds()).includes(4));
  assert.equal((await post('/loans', { book_id: 4, borrower_id: 2 })).status, 409);
});

test('the scheduled function finds the seeded loan that is overdue', async () => {
  // Lambda's own Invoke API, as the AWS SDK and the AWS CLI call it.
  const response = await post('/2015-03-31/functions/overdue/invocations', {});
  const { overdue } = (await response.json()) as { overdue: OverdueLoan[] };
  assert.deepEqual(
    overdue.map((loan) => loan.title),
    ['Moby-Dick; or, The Whale'],
  );
});

async function availableIds(): Promise<number[]> {
  const { books } = (await (await get('/books/available?limit=100')).json()) as { books: Book[] };
  return books.map((book) => book.id);
}
