from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.exc import IntegrityError

from .db import broke_constraint
from .errors import bad_request, not_found
from .fields import PathId
from .models import Book, Review
from .schemas import NewReview, ReviewList, ReviewOut
from .web import DbSession, JsonRoute

router = APIRouter(route_class=JsonRoute, tags=["reviews"])


@router.get("/books/{id}/reviews", response_model=ReviewList)
def list_reviews(session: DbSession, id: PathId) -> Any:
    book = session.get(Book, id)
    if book is None:
        raise not_found(f"no book {id}")
    return {"reviews": book.reviews}


@router.post("/books/{id}/reviews", status_code=201, response_model=ReviewOut)
def create_review(session: DbSession, response: Response, id: PathId, fields: NewReview) -> Any:
    review = Review(book_id=id, **fields.model_dump())
    session.add(review)
    try:
        session.commit()
    except IntegrityError as error:
        if broke_constraint(error, "reviews_book_id_fkey"):
            raise not_found(f"no book {id}") from error
        if broke_constraint(error, "reviews_borrower_id_fkey"):
            raise bad_request(f"borrower_id: no borrower {fields.borrower_id}") from error
        raise
    response.headers["location"] = f"/books/{id}/reviews"
    return review
