import { Hono } from 'hono';
import { withProbe } from '../lambdapg-runtime/index.ts';
import { createAuthor, getAuthor, listAuthors } from './authors.ts';
import { createBook, getBook, listAvailableBooks, listBooks } from './books.ts';
import { database } from './db.ts';
import { getHealth } from './health.ts';
import { createLoan, endLoan, getLoan } from './loans.ts';
import { createReview, listReviews } from './reviews.ts';
import { answerErrors, type LambdaEnv, route, serve } from './web.ts';

export const app = new Hono<LambdaEnv>();

app.get('/health', route(getHealth));
app.get('/books', route(listBooks));
app.post('/books', route(createBook));
// The first match answers, so this stands before `/books/:id`.
app.get('/books/available', route(listAvailableBooks));
app.get('/books/:id', route(getBook));
app.get('/books/:id/reviews', route(listReviews));
app.post('/books/:id/reviews', route(createReview));
app.get('/authors', route(listAuthors));
app.post('/authors', route(createAuthor));
app.get('/authors/:id', route(getAuthor));
app.post('/loans', route(createLoan));
app.get('/loans/:id', route(getLoan));
app.delete('/loans/:id', route(endLoan));

answerErrors(app);

/*
 * API Gateway sends everything here ("$default" in lambdapg.json) instead of matching routes itself, so that a wrong
 * path (404) and a wrong method (405) get the same JSON errors as everything else, here and in the cloud. Only
 * `lambdapg rotate-creds`, which may ask the function which login it has, is answered before.
 */
export const handler = withProbe(serve(app), database);
