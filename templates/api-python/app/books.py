import psycopg
from psycopg.abc import QueryNoTemplate as Query

from .db import broke_constraint, query, transaction
from .fields import Page, read_object, read_optional_date, read_optional_ids, read_page, read_path_id, read_text
from .web import Request, Response, bad_request, json_response, not_found


def list_books(request: Request) -> Response:
    return _list_page(
        read_page(request), "select id, title, published_date from books where id > %s order by id limit %s"
    )


def list_available_books(request: Request) -> Response:
    """Books that nobody has on loan."""
    return _list_page(
        read_page(request),
        """select id, title, published_date from books
           where id > %s and not exists (select from loans where loans.book_id = books.id)
           order by id limit %s""",
    )


def _list_page(page: Page, sql: Query) -> Response:
    """Asks for one row more than a page holds: that one tells whether there is a next page."""
    rows = query(sql, [page.after, page.limit + 1])
    books = rows[: page.limit]
    return json_response(200, {"books": books, "next": books[-1]["id"] if len(rows) > page.limit else None})


def get_book(request: Request) -> Response:
    id = read_path_id(request)
    books = query("select id, title, published_date from books where id = %s", [id])
    if not books:
        raise not_found(f"no book {id}")
    authors = query(
        """select authors.id, authors.name from authors
           join book_authors on book_authors.author_id = authors.id
           where book_authors.book_id = %s order by authors.id""",
        [id],
    )
    reviews = query(
        """select id, book_id, borrower_id, rating, comment, review_date from reviews
           where book_id = %s order by id""",
        [id],
    )
    return json_response(200, {**books[0], "authors": authors, "reviews": reviews})


def create_book(request: Request) -> Response:
    """The book and its authors are one transaction: an unknown author leaves no book behind."""
    fields = read_object(request)
    title = read_text(fields, "title", 300)
    published_date = read_optional_date(fields, "published_date")
    author_ids = read_optional_ids(fields, "author_ids")
    try:
        with transaction() as tx:
            [book] = tx.query(
                "insert into books (title, published_date) values (%s, %s) returning id, title, published_date",
                [title, published_date],
            )
            tx.query(
                """insert into book_authors (book_id, author_id)
                   select %s, author_id from unnest(%s::bigint[]) as author_id""",
                [book["id"], author_ids],
            )
    except psycopg.IntegrityError as error:
        if broke_constraint(error, "book_authors_author_id_fkey"):
            raise bad_request("author_ids names an author that does not exist") from error
        raise
    return json_response(201, book, {"location": f"/books/{book['id']}"})
