from .db import query
from .fields import read_object, read_page, read_path_id, read_text
from .web import Request, Response, json_response, not_found


def list_authors(request: Request) -> Response:
    page = read_page(request)
    rows = query(
        "select id, name from authors where id > %s order by id limit %s", [page.after, page.limit + 1]
    )
    authors = rows[: page.limit]
    next_after = authors[-1]["id"] if len(rows) > page.limit else None
    return json_response(200, {"authors": authors, "next": next_after})


def get_author(request: Request) -> Response:
    id = read_path_id(request)
    authors = query("select id, name from authors where id = %s", [id])
    if not authors:
        raise not_found(f"no author {id}")
    books = query(
        """select books.id, books.title, books.published_date from books
           join book_authors on book_authors.book_id = books.id
           where book_authors.author_id = %s order by books.id""",
        [id],
    )
    return json_response(200, {**authors[0], "books": books})


def create_author(request: Request) -> Response:
    name = read_text(read_object(request), "name", 200)
    [author] = query("insert into authors (name) values (%s) returning id, name", [name])
    return json_response(201, author, {"location": f"/authors/{author['id']}"})
