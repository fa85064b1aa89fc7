import { expect, test } from 'vitest';
import { matchRoute } from '../../../src/local/lambda/match-route.ts';

const keys = [
  '$default',
  'ANY /{proxy+}',
  'ANY /books',
  'GET /books',
  'GET /books/{id}',
  'GET /books/new',
  'GET /books/{id}/reviews/{review}',
  'ANY /books/{rest+}',
  'GET /books/shelf/{rest+}',
  'POST /a b',
];
const routes = keys.map((key) => ({ key, functionName: 'fn' }));

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html#http-api-develop-routes.evaluation */
test.each([
  ['GET', '/', '$default', undefined],
  ['GET', '/books', 'GET /books', undefined],
  ['POST', '/books', 'ANY /books', undefined],
  ['HEAD', '/books', 'ANY /books', undefined],
  ['GET', '/books/1', 'GET /books/{id}', { id: '1' }],
  ['GET', '/books/new', 'GET /books/new', undefined],
  ['GET', '/books/%6eew', 'GET /books/new', undefined],
  ['POST', '/books/1', 'ANY /books/{rest+}', { rest: '1' }],
  ['GET', '/books/a%20b%2Fc', 'GET /books/{id}', { id: 'a b/c' }],
  ['GET', '/books/100%', 'GET /books/{id}', { id: '100%' }],
  ['GET', '/books/1/reviews/2', 'GET /books/{id}/reviews/{review}', { id: '1', review: '2' }],
  ['GET', '/books/1/reviews', 'ANY /books/{rest+}', { rest: '1/reviews' }],
  ['GET', '/books/shelf/a/b', 'GET /books/shelf/{rest+}', { rest: 'a/b' }],
  ['GET', '/books/', 'ANY /{proxy+}', { proxy: 'books/' }],
  ['DELETE', '/else/where', 'ANY /{proxy+}', { proxy: 'else/where' }],
  ['POST', '/a%20b', 'POST /a b', undefined],
])('%s %s goes to %s', (method, path, key, pathParameters) => {
  const match = matchRoute(routes, method, path);
  expect(match?.route.key).toBe(key);
  expect(match?.pathParameters).toEqual(pathParameters);
});

test('no route is no match', () => {
  const few = routes.filter(({ key }) => key.startsWith('GET'));
  expect(matchRoute(few, 'POST', '/books')).toBeUndefined();
  expect(matchRoute(few, 'GET', '/')).toBeUndefined();
});
