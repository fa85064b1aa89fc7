import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests assert
  readonly body: any;
}

/**
 * The HTTP contract of the `api` template, the same to the byte for every language. Registers its tests in the
 * calling file; `baseUrl` is asked when they run and must serve a database that was migrated and seeded.
 */
export function describeHttpContract(baseUrl: () => string): void {
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const response = await fetch(`${baseUrl()}${path}`, {
      method,
      ...(body !== undefined && {
        body: raw as NonNullable<RequestInit['body']>,
        headers: { 'content-type': 'application/json' },
      }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? undefined : JSON.parse(text),
    };
  };
  const expectError = (answer: Answer, status: number, code: string, message: string | RegExp): void => {
    expect(answer.body).toEqual({
      error: { code, message: typeof message === 'string' ? message : expect.stringMatching(message) },
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/json');
  };
  const badRequests = (cases: readonly (readonly [string, string, unknown, string])[]): void => {
    test.each(cases)('400: %s %s %j: %s', async (method, path, body, message) => {
      expectError(await call(method, path, body), 400, 'bad_request', message);
    });
  };

  test('GET /health runs a statement', async () => {
    const answer = await call('GET', '/health');
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(/^\{"status":"ok","postgres":1[5-8]\}$/);
  });

  describe('books', () => {
    test('GET /books gives rows with numbers, text and ISO dates', async () => {
      const answer = await call('GET', '/books?limit=2&after=1');
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.text).toBe(
        '{"books":[{"id":2,"title":"Moby-Dick; or, The Whale","published_date":"1851-10-18"},' +
          '{"id":3,"title":"Pride and Prejudice","published_date":"1813-01-28"}],"next":3}',
      );
    });

    test('GET /books: following next visits every book once', async () => {
      const seen: number[] = [];
      let path: string | undefined = '/books?limit=4';
      while (path !== undefined) {
        const { body } = await call('GET', path);
        seen.push(...body.books.map((book: { id: number }) => book.id));
        path = body.next === null ? undefined : `/books?limit=4&after=${body.next}`;
      }
      expect(seen.slice(0, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(new Set(seen).size).toBe(seen.length);
    });

    test('GET /books after the last one is an empty page', async () => {
      const answer = await call('GET', '/books?after=999999999999999');
      expect(answer.text).toBe('{"books":[],"next":null}');
    });

    test('GET /books/available leaves out the books on loan', async () => {
      const { status, body } = await call('GET', '/books/available?limit=100');
      const ids = body.books.map((book: { id: number }) => book.id);
      expect(status).toBe(200);
      expect(ids).toEqual(expect.arrayContaining([1, 3, 4, 6, 10]));
      expect(ids).not.toContain(2);
      expect(ids).not.toContain(5);
    });

    test('GET /books/{id} has authors and reviews', async () => {
      const { status, body } = await call('GET', '/books/9');
      expect(status).toBe(200);
      expect(body).toEqual({
        id: 9,
        title: 'No Thoroughfare',
        published_date: '1867-12-01',
        authors: [
          { id: 7, name: 'Charles Dickens' },
          { id: 8, name: 'Wilkie Collins' },
        ],
        reviews: [],
      });
      expect((await call('GET', '/books/1')).body.reviews[0]).toEqual({
        id: 1,
        book_id: 1,
        borrower_id: 1,
        rating: 5,
        comment: 'The monster is the most human of them.',
        review_date: '2026-03-01',
      });
    });

    test('POST /books creates a book with its authors and says where it is', async () => {
      const title = 'Le Tour du monde — 八十日 🎈 "in 80 days" \\ <b>';
      const answer = await call('POST', '/books', {
        title,
        published_date: '1873-01-30',
        author_ids: [5, 5],
      });
      const { id } = answer.body;
      expect(answer.status).toBe(201);
      expect(answer.headers.get('location')).toBe(`/books/${id}`);
      expect(answer.body).toEqual({ id, title, published_date: '1873-01-30' });
      expect(id).toBeGreaterThan(10);
      expect((await call('GET', `/books/${id}`)).body).toEqual({
        ...{ id, title, published_date: '1873-01-30' },
        authors: [{ id: 5, name: 'Jules Verne' }],
        reviews: [],
      });
    });

    test('POST /books needs no more than a title', async () => {
      const { status, body } = await call('POST', '/books', { title: 'Untitled' });
      expect(status).toBe(201);
      expect(body).toEqual({ id: body.id, title: 'Untitled', published_date: null });
    });

    test('POST /books with an unknown author leaves no book behind', async () => {
      const before = (await call('GET', '/books?limit=100')).body.books.length;
      const answer = await call('POST', '/books', { title: 'Nobody wrote this', author_ids: [1, 424_242] });
      expectError(answer, 400, 'bad_request', 'author_ids names an author that does not exist');
      expect((await call('GET', '/books?limit=100')).body.books).toHaveLength(before);
    });

    test('404 for a book that does not exist', async () => {
      expectError(await call('GET', '/books/424242'), 404, 'not_found', 'no book 424242');
    });
  });

  describe('authors', () => {
    test('GET /authors is a page', async () => {
      const answer = await call('GET', '/authors?limit=1&after=5');
      expect(answer.text).toBe('{"authors":[{"id":6,"name":"Emily Brontë"}],"next":6}');
    });

    test('GET /authors/{id} has the books', async () => {
      const { body } = await call('GET', '/authors/8');
      expect(body).toEqual({
        id: 8,
        name: 'Wilkie Collins',
        books: [{ id: 9, title: 'No Thoroughfare', published_date: '1867-12-01' }],
      });
    });

    test('POST /authors', async () => {
      const answer = await call('POST', '/authors', { name: 'George Eliot' });
      expect(answer.status).toBe(201);
      expect(answer.body).toEqual({ id: answer.body.id, name: 'George Eliot' });
      expect(answer.headers.get('location')).toBe(`/authors/${answer.body.id}`);
      expect((await call('GET', `/authors/${answer.body.id}`)).body.books).toEqual([]);
    });

    test('404 for an author that does not exist', async () => {
      expectError(await call('GET', '/authors/424242'), 404, 'not_found', 'no author 424242');
    });
  });

  describe('loans', () => {
    test('a book is lent once, whoever asks at the same time, and again when it is back', async () => {
      const answers = await Promise.all(
        [1, 2, 3, 1, 2].map((borrower_id) => call('POST', '/loans', { book_id: 7, borrower_id })),
      );
      const [lent, ...rest] = answers.filter(({ status }) => status === 201) as [Answer, ...Answer[]];
      expect(rest).toHaveLength(0);
      for (const refused of answers.filter(({ status }) => status !== 201)) {
        expectError(refused, 409, 'conflict', 'book 7 is already on loan');
      }
      const { id } = lent.body;
      const day = expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/);
      expect(lent.body).toEqual({
        id,
        book_id: 7,
        borrower_id: lent.body.borrower_id,
        loaned_on: day,
        due_on: day,
      });
      expect(lent.headers.get('location')).toBe(`/loans/${id}`);
      expect((await call('GET', `/loans/${id}`)).body).toEqual(lent.body);

      const returned = await call('DELETE', `/loans/${id}`);
      expect(returned.status).toBe(204);
      expect(returned.text).toBe('');
      expectError(await call('GET', `/loans/${id}`), 404, 'not_found', `no loan ${id}`);
      expectError(await call('DELETE', `/loans/${id}`), 404, 'not_found', `no loan ${id}`);
      expect((await call('GET', '/books/available?limit=1&after=6')).body.books[0].id).toBe(7);
    });

    badRequests([
      ['POST', '/loans', { book_id: 424_242, borrower_id: 1 }, 'book_id: no book 424242'],
      ['POST', '/loans', { book_id: 10, borrower_id: 424_242 }, 'borrower_id: no borrower 424242'],
      ['POST', '/loans', { borrower_id: 1 }, 'book_id is required'],
      [
        'POST',
        '/loans',
        { book_id: '1', borrower_id: 1 },
        'book_id must be a whole number from 1 to 999999999999999',
      ],
      [
        'POST',
        '/loans',
        { book_id: true, borrower_id: 1 },
        'book_id must be a whole number from 1 to 999999999999999',
      ],
    ]);
  });

  describe('reviews', () => {
    test('POST and GET /books/{id}/reviews', async () => {
      const answer = await call('POST', '/books/4/reviews', { borrower_id: 3, rating: 2.0, comment: 'Näh.' });
      const review = { ...answer.body };
      expect(answer.status).toBe(201);
      expect(answer.headers.get('location')).toBe('/books/4/reviews');
      expect(review).toEqual({
        ...{ id: review.id, book_id: 4, borrower_id: 3, rating: 2, comment: 'Näh.' },
        review_date: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/),
      });
      expect((await call('GET', '/books/4/reviews')).body.reviews.at(-1)).toEqual(review);
      const silent = await call('POST', '/books/4/reviews', { borrower_id: 3, rating: 5 });
      expect(silent.body.comment).toBe(null);
    });

    test('404 for reviews of a book that does not exist', async () => {
      expectError(await call('GET', '/books/424242/reviews'), 404, 'not_found', 'no book 424242');
      const answer = await call('POST', '/books/424242/reviews', { borrower_id: 1, rating: 1 });
      expectError(answer, 404, 'not_found', 'no book 424242');
    });

    badRequests([
      [
        'POST',
        '/books/4/reviews',
        { borrower_id: 1, rating: 6 },
        'rating must be a whole number from 1 to 5',
      ],
      [
        'POST',
        '/books/4/reviews',
        { borrower_id: 1, rating: 1.5 },
        'rating must be a whole number from 1 to 5',
      ],
      ['POST', '/books/4/reviews', { borrower_id: 1 }, 'rating is required'],
      ['POST', '/books/4/reviews', { borrower_id: 424_242, rating: 1 }, 'borrower_id: no borrower 424242'],
      ['POST', '/books/4/reviews', { borrower_id: 1, rating: 1, comment: 7 }, 'comment must be a string'],
    ]);
  });

  describe('what a caller gets wrong', () => {
    badRequests([
      ['GET', '/books/zero', undefined, 'id must be a whole number'],
      ['GET', '/books/0', undefined, 'id must be 1 or more'],
      ['GET', '/books/-1', undefined, 'id must be a whole number'],
      ['GET', '/books/1.5', undefined, 'id must be a whole number'],
      ['GET', '/books/9007199254740993', undefined, 'id must be a whole number'],
      ['GET', '/books/1%27%3B--', undefined, 'id must be a whole number'],
      ['GET', '/books/%D9%A1', undefined, 'id must be a whole number'],
      ['GET', '/books?limit=0', undefined, 'limit must be from 1 to 100'],
      ['GET', '/books?limit=101', undefined, 'limit must be from 1 to 100'],
      ['GET', '/books?limit=', undefined, 'limit must be a whole number'],
      ['GET', '/books?limit=ten', undefined, 'limit must be a whole number'],
      ['GET', '/books?after=-1', undefined, 'after must be a whole number'],
      ['GET', '/books/available?limit=1000', undefined, 'limit must be from 1 to 100'],
      ['GET', '/authors?limit=0', undefined, 'limit must be from 1 to 100'],
      ['POST', '/books', '', 'the body is not JSON'],
      ['POST', '/books', '{"title": "unclosed', 'the body is not JSON'],
      ['POST', '/books', '{"title": NaN}', 'the body is not JSON'],
      ['POST', '/books', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'the body is not JSON'],
      ['POST', '/books', '\uFEFF{"title": "a"}', 'the body is not JSON'],
      ['POST', '/books', '[]', 'the body must be a JSON object'],
      ['POST', '/books', 'null', 'the body must be a JSON object'],
      ['POST', '/books', {}, 'title is required'],
      ['POST', '/books', { title: null }, 'title is required'],
      ['POST', '/books', { title: 7 }, 'title must be a string'],
      ['POST', '/books', { title: ' \t\n' }, 'title must not be empty'],
      ['POST', '/books', { title: 'x'.repeat(301) }, 'title must be at most 300 characters'],
      ['POST', '/books', { title: 'a\u0000b' }, 'title contains a character that cannot be stored'],
      ['POST', '/books', '{"title": "half \\ud83d"}', 'title contains a character that cannot be stored'],
      [
        'POST',
        '/books',
        { title: 'a', published_date: '30/01/1873' },
        'published_date must be a date such as 2026-11-21',
      ],
      [
        'POST',
        '/books',
        { title: 'a', published_date: '2026-02-30' },
        'published_date must be a date such as 2026-11-21',
      ],
      [
        'POST',
        '/books',
        { title: 'a', published_date: '0000-01-01' },
        'published_date must be a date such as 2026-11-21',
      ],
      [
        'POST',
        '/books',
        { title: 'a', published_date: 1873 },
        'published_date must be a date such as 2026-11-21',
      ],
      ['POST', '/books', { title: 'a', author_ids: 1 }, 'author_ids must be a list of at most 100 ids'],
      [
        ...(['POST', '/books', { title: 'a', author_ids: [1, 'x'] }] as const),
        'author_ids must be a whole number from 1 to 999999999999999',
      ],
      ['POST', '/authors', { name: '' }, 'name must not be empty'],
    ]);

    test('300 characters are counted as people count them, not as UTF-16 units', async () => {
      const answer = await call('POST', '/books', { title: '📚'.repeat(300) });
      expect(answer.status).toBe(201);
    });

    test('a GET with a body is answered as one without', async () => {
      const answer = await new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/json', 'content-length': 2 };
        request(`${baseUrl()}/books/4`, { method: 'GET', headers }, (response) => resolve(json(response)))
          .on('error', reject)
          .end('[]');
      });
      expect(answer).toEqual((await call('GET', '/books/4')).body);
    });

    test.each(['/', '/nothing', '/books/1/pages', '/books/'])('404: GET %s', async (path) => {
      expectError(await call('GET', path), 404, 'not_found', `no such path: ${path}`);
    });

    test.each([
      ['DELETE', '/books', 'GET, POST'],
      ['PUT', '/books/1', 'GET'],
      ['POST', '/books/available', 'GET'],
      ['POST', '/health', 'GET'],
      ['GET', '/loans', 'POST'],
      ['PATCH', '/loans/1', 'GET, DELETE'],
    ])('405: %s %s allows %s', async (method, path, allow) => {
      const answer = await call(method, path);
      const message = `${method} is not allowed here; allowed: ${allow}`;
      expectError(answer, 405, 'method_not_allowed', message);
      expect(answer.headers.get('allow')).toBe(allow);
    });
  });
}
