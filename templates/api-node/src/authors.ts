import type { Book } from './books.ts';
import { query } from './db.ts';
import { readObject, readPage, readPathId, readText } from './fields.ts';
import { json, notFound, type Request, type Response } from './web.ts';

export interface Author {
  readonly id: number;
  readonly name: string;
}

export async function listAuthors(request: Request): Promise<Response> {
  const { limit, after } = readPage(request);
  const rows = await query<Author>('select id, name from authors where id > $1 order by id limit $2', [
    after,
    limit + 1,
  ]);
  const authors = rows.slice(0, limit);
  return json(200, { authors, next: rows.length > limit ? authors.at(-1)?.id : null });
}

export async function getAuthor(request: Request): Promise<Response> {
  const id = readPathId(request);
  const [author] = await query<Author>('select id, name from authors where id = $1', [id]);
  if (author === undefined) throw notFound(`no author ${id}`);
  const books = await query<Book>(
    `select books.id, books.title, books.published_date from books
     join book_authors on book_authors.book_id = books.id
     where book_authors.author_id = $1 order by books.id`,
    [id],
  );
  return json(200, { ...author, books });
}

export async function createAuthor(request: Request): Promise<Response> {
  const name = readText(readObject(request), 'name', 200);
  const [author] = await query<Author>('insert into authors (name) values ($1) returning id, name', [name]);
  return json(201, author, { location: `/authors/${author?.id}` });
}
