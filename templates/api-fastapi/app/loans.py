from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from .db import broke_constraint
from .errors import bad_request, conflict, not_found
from .fields import PathId
from .models import Loan
from .schemas import LoanOut, NewLoan
from .web import DbSession, JsonRoute

router = APIRouter(route_class=JsonRoute, tags=["loans"])


@router.get("/loans/{id}", response_model=LoanOut)
def get_loan(session: DbSession, id: PathId) -> Any:
    loan = session.get(Loan, id)
    if loan is None:
        raise not_found(f"no loan {id}")
    return loan


@router.post("/loans", status_code=201, response_model=LoanOut)
def create_loan(session: DbSession, response: Response, fields: NewLoan) -> Any:
    """The database decides who is first: a book has one loan at most, however many ask at once."""
    loan = Loan(book_id=fields.book_id, borrower_id=fields.borrower_id)
    session.add(loan)
    try:
        session.commit()
    except IntegrityError as error:
        if broke_constraint(error, "loans_book_id_key"):
            raise conflict(f"book {fields.book_id} is already on loan") from error
        if broke_constraint(error, "loans_book_id_fkey"):
            raise bad_request(f"book_id: no book {fields.book_id}") from error
        if broke_constraint(error, "loans_borrower_id_fkey"):
            raise bad_request(f"borrower_id: no borrower {fields.borrower_id}") from error
        raise
    response.headers["location"] = f"/loans/{loan.id}"
    return loan


@router.delete("/loans/{id}", status_code=204)
def end_loan(session: DbSession, id: PathId) -> None:
    """The book is back."""
    ended = session.scalar(delete(Loan).where(Loan.id == id).returning(Loan.id))
    if ended is None:
        raise not_found(f"no loan {id}")
    session.commit()
