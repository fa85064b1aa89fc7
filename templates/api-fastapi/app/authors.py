from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from .errors import not_found
from .fields import Page, PathId
from .models import Author
from .schemas import AuthorDetail, AuthorOut, AuthorPage, NewAuthor
from .web import DbSession, JsonRoute, ReadSession

router = APIRouter(route_class=JsonRoute, tags=["authors"])


@router.get("/authors", response_model=AuthorPage)
def list_authors(session: ReadSession, page: Annotated[Page, Depends()]) -> Any:
    statement = select(Author).where(Author.id > page.after).order_by(Author.id).limit(page.limit + 1)
    rows = session.scalars(statement).all()
    shown = rows[: page.limit]
    return {"authors": shown, "next": shown[-1].id if len(rows) > page.limit else None}


@router.get("/authors/{id}", response_model=AuthorDetail)
def get_author(session: DbSession, id: PathId) -> Any:
    author = session.get(Author, id, options=[selectinload(Author.books)])
    if author is None:
        raise not_found(f"no author {id}")
    return author


@router.post("/authors", status_code=201, response_model=AuthorOut)
def create_author(session: DbSession, response: Response, fields: NewAuthor) -> Any:
    author = Author(name=fields.name)
    session.add(author)
    session.commit()
    response.headers["location"] = f"/authors/{author.id}"
    return author
