from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy import Select, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from .db import broke_constraint
from .errors import bad_request, not_found
from .fields import Page, PathId
from .models import Book, book_authors
from .schemas import BookDetail, BookOut, BookPage, NewBook
from .web import DbSession, JsonRoute, ReadSession

router = APIRouter(route_class=JsonRoute, tags=["books"])


@router.get("/books", response_model=BookPage)
def list_books(session: ReadSession, page: Annotated[Page, Depends()]) -> Any:
    return _read_page(session, page, select(Book))


# Before `/books/{id}`: the first match answers.
@router.get("/books/available", response_model=BookPage)
@router.get("/books/available/", response_model=BookPage, include_in_schema=False)
def list_available_books(session: ReadSession, page: Annotated[Page, Depends()]) -> Any:
    """Books that nobody has on loan."""
    return _read_page(session, page, select(Book).where(~Book.loan.has()))


def _read_page(session: ReadSession, page: Page, books: Select[Book]) -> Any:
    """Asks for one row more than a page holds: that one tells whether there is a next page."""
    rows = session.scalars(books.where(Book.id > page.after).order_by(Book.id).limit(page.limit + 1)).all()
    shown = rows[: page.limit]
    return {"books": shown, "next": shown[-1].id if len(rows) > page.limit else None}


@router.get("/books/{id}", response_model=BookDetail)
def get_book(session: DbSession, id: PathId) -> Any:
    book = session.get(Book, id, options=[selectinload(Book.authors), selectinload(Book.reviews)])
    if book is None:
        raise not_found(f"no book {id}")
    return book


@router.post("/books", status_code=201, response_model=BookOut)
def create_book(session: DbSession, response: Response, fields: NewBook) -> Any:
    """The book and its authors are one transaction: an unknown author leaves no book behind."""
    book = Book(title=fields.title, published_date=fields.published_date)
    session.add(book)
    session.flush()
    try:
        if fields.author_ids:
            # By number: `book.authors` would have to read each author first.
            rows = [{"book_id": book.id, "author_id": author_id} for author_id in fields.author_ids]
            session.execute(insert(book_authors), rows)
        session.commit()
    except IntegrityError as error:
        if broke_constraint(error, "book_authors_author_id_fkey"):
            raise bad_request("author_ids names an author that does not exist") from error
        raise
    response.headers["location"] = f"/books/{book.id}"
    return book
