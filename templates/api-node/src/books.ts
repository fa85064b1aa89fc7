import type { Author } from './authors.ts';
import { brokeConstraint, query, transaction } from './db.ts';
import {
  type Page,
  readObject,
  readOptionalDate,
  readOptionalIds,
  readPage,
  readPathId,
  readText,
} from './fields.ts';
import type { Review } from './reviews.ts';
import { badRequest, json, notFound, type Request, type Response } from './web.ts';

export interface Book {
  readonly id: number;
  readonly title: string;
  /** `1851-10-18`: dates are strings, because a day has no time zone. */
  readonly published_date: string | null;
}

export async function listBooks(request: Request): Promise<Response> {
  return listPage(
    readPage(request),
    'select id, title, published_date from books where id > $1 order by id limit $2',
  );
}

/** Books that nobody has on loan. */
export async function listAvailableBooks(request: Request): Promise<Response> {
  return listPage(
    readPage(request),
    `select id, title, published_date from books
     where id > $1 and not exists (select from loans where loans.book_id = books.id)
     order by id limit $2`,
  );
}

/** Asks for one row more than a page holds: that one tells whether there is a next page. */
async function listPage({ limit, after }: Page, sql: string): Promise<Response> {
  const rows = await query<Book>(sql, [after, limit + 1]);
  const books = rows.slice(0, limit);
  return json(200, { books, next: rows.length > limit ? books.at(-1)?.id : null });
}

export async function getBook(request: Request): Promise<Response> {
  const id = readPathId(request);
  const [book] = await query<Book>('select id, title, published_date from books where id = $1', [id]);
  if (book === undefined) throw notFound(`no book ${id}`);
  const authors = await query<Author>(
    `select authors.id, authors.name from authors
     join book_authors on book_authors.author_id = authors.id
     where book_authors.book_id = $1 order by authors.id`,
    [id],
  );
  const reviews = await query<Review>(
    `select id, book_id, borrower_id, rating, comment, review_date from reviews
     where book_id = $1 order by id`,
    [id],
  );
  return json(200, { ...book, authors, reviews });
}

/** The book and its authors are one transaction: an unknown author leaves no book behind. */
export async function createBook(request: Request): Promise<Response> {
  const object = readObject(request);
  const title = readText(object, 'title', 300);
  const publishedDate = readOptionalDate(object, 'published_date');
  const authorIds = readOptionalIds(object, 'author_ids');
  try {
    const book = await transaction(async (tx) => {
      const [created] = await tx.query<Book>(
        'insert into books (title, published_date) values ($1, $2) returning id, title, published_date',
        [title, publishedDate],
      );
      await tx.query(
        'insert into book_authors (book_id, author_id) select $1, author_id from unnest($2::bigint[]) as author_id',
        [created?.id, authorIds],
      );
      return created;
    });
    return json(201, book, { location: `/books/${book?.id}` });
  } catch (error) {
    if (brokeConstraint(error, 'book_authors_author_id_fkey')) {
      throw badRequest('author_ids names an author that does not exist');
    }
    throw error;
  }
}
