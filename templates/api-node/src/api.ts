import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { withProbe } from '../lambdapg-runtime/index.ts';
import { createAuthor, getAuthor, listAuthors } from './authors.ts';
import { createBook, getBook, listAvailableBooks, listBooks } from './books.ts';
import { database } from './db.ts';
import { getHealth } from './health.ts';
import { createLoan, endLoan, getLoan } from './loans.ts';
import { createReview, listReviews } from './reviews.ts';
import { answer, type Route } from './web.ts';

/** The first match answers, so `/books/available` stands before `/books/{id}`. */
const routes: readonly Route[] = [
  { method: 'GET', path: '/health', run: getHealth },
  { method: 'GET', path: '/books', run: listBooks },
  { method: 'POST', path: '/books', run: createBook },
  { method: 'GET', path: '/books/available', run: listAvailableBooks },
  { method: 'GET', path: '/books/{id}', run: getBook },
  { method: 'GET', path: '/books/{id}/reviews', run: listReviews },
  { method: 'POST', path: '/books/{id}/reviews', run: createReview },
  { method: 'GET', path: '/authors', run: listAuthors },
  { method: 'POST', path: '/authors', run: createAuthor },
  { method: 'GET', path: '/authors/{id}', run: getAuthor },
  { method: 'POST', path: '/loans', run: createLoan },
  { method: 'GET', path: '/loans/{id}', run: getLoan },
  { method: 'DELETE', path: '/loans/{id}', run: endLoan },
];

/*
 * API Gateway sends everything here ("$default" in lambdapg.json) instead of matching routes itself, so that a wrong
 * path (404) and a wrong method (405) get the same JSON errors as everything else, here and in the cloud.
 */
const serve = (event: APIGatewayProxyEventV2, context: Context) => answer(routes, event, context);

/** `lambdapg rotate-creds` may ask the function which login it has; the rest goes to `serve`. */
export const handler = withProbe(serve, database);
