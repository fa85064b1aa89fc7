import { brokeConstraint, query } from './db.ts';
import { readId, readObject, readOptionalText, readPathId, readWhole } from './fields.ts';
import { badRequest, json, notFound, type Request, type Response } from './web.ts';

export interface Review {
  readonly id: number;
  readonly book_id: number;
  readonly borrower_id: number;
  readonly rating: number;
  readonly comment: string | null;
  readonly review_date: string;
}

export async function listReviews(request: Request): Promise<Response> {
  const bookId = readPathId(request);
  const [book] = await query('select id from books where id = $1', [bookId]);
  if (book === undefined) throw notFound(`no book ${bookId}`);
  const reviews = await query<Review>(
    'select id, book_id, borrower_id, rating, comment, review_date from reviews where book_id = $1 order by id',
    [bookId],
  );
  return json(200, { reviews });
}

export async function createReview(request: Request): Promise<Response> {
  const bookId = readPathId(request);
  const object = readObject(request);
  const borrowerId = readId(object, 'borrower_id');
  const rating = readWhole(object, 'rating', 1, 5);
  const comment = readOptionalText(object, 'comment', 2_000);
  try {
    const [review] = await query<Review>(
      `insert into reviews (book_id, borrower_id, rating, comment) values ($1, $2, $3, $4)
       returning id, book_id, borrower_id, rating, comment, review_date`,
      [bookId, borrowerId, rating, comment],
    );
    return json(201, review, { location: `/books/${bookId}/reviews` });
  } catch (error) {
    if (brokeConstraint(error, 'reviews_book_id_fkey')) throw notFound(`no book ${bookId}`);
    if (brokeConstraint(error, 'reviews_borrower_id_fkey')) {
      throw badRequest(`borrower_id: no borrower ${borrowerId}`);
    }
    throw error;
  }
}
