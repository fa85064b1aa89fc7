import { brokeConstraint, query } from './db.ts';
import { readId, readObject, readPathId } from './fields.ts';
import { badRequest, conflict, json, notFound, type Request, type Response } from './web.ts';

export interface Loan {
  readonly id: number;
  readonly book_id: number;
  readonly borrower_id: number;
  readonly loaned_on: string;
  readonly due_on: string;
}

export async function getLoan(request: Request): Promise<Response> {
  const id = readPathId(request);
  const [loan] = await query<Loan>(
    'select id, book_id, borrower_id, loaned_on, due_on from loans where id = $1',
    [id],
  );
  if (loan === undefined) throw notFound(`no loan ${id}`);
  return json(200, loan);
}

/** The database decides who is first: a book has one loan at most, however many ask at once. */
export async function createLoan(request: Request): Promise<Response> {
  const object = readObject(request);
  const bookId = readId(object, 'book_id');
  const borrowerId = readId(object, 'borrower_id');
  try {
    const [loan] = await query<Loan>(
      `insert into loans (book_id, borrower_id) values ($1, $2)
       returning id, book_id, borrower_id, loaned_on, due_on`,
      [bookId, borrowerId],
    );
    return json(201, loan, { location: `/loans/${loan?.id}` });
  } catch (error) {
    if (brokeConstraint(error, 'loans_book_id_key')) throw conflict(`book ${bookId} is already on loan`);
    if (brokeConstraint(error, 'loans_book_id_fkey')) throw badRequest(`book_id: no book ${bookId}`);
    if (brokeConstraint(error, 'loans_borrower_id_fkey')) {
      throw badRequest(`borrower_id: no borrower ${borrowerId}`);
    }
    throw error;
  }
}

/** The book is back. */
export async function endLoan(request: Request): Promise<Response> {
  const id = readPathId(request);
  const [loan] = await query<Loan>('delete from loans where id = $1 returning id', [id]);
  if (loan === undefined) throw notFound(`no loan ${id}`);
  return { statusCode: 204 };
}
