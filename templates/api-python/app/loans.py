import psycopg

from .db import broke_constraint, query
from .fields import read_id, read_object, read_path_id
from .web import Request, Response, bad_request, conflict, json_response, not_found


def get_loan(request: Request) -> Response:
    id = read_path_id(request)
    loans = query("select id, book_id, borrower_id, loaned_on, due_on from loans where id = %s", [id])
    if not loans:
        raise not_found(f"no loan {id}")
    return json_response(200, loans[0])


def create_loan(request: Request) -> Response:
    """The database decides who is first: a book has one loan at most, however many ask at once."""
    fields = read_object(request)
    book_id = read_id(fields, "book_id")
    borrower_id = read_id(fields, "borrower_id")
    try:
        [loan] = query(
            """insert into loans (book_id, borrower_id) values (%s, %s)
               returning id, book_id, borrower_id, loaned_on, due_on""",
            [book_id, borrower_id],
        )
    except psycopg.IntegrityError as error:
        if broke_constraint(error, "loans_book_id_key"):
            raise conflict(f"book {book_id} is already on loan") from error
        if broke_constraint(error, "loans_book_id_fkey"):
            raise bad_request(f"book_id: no book {book_id}") from error
        if broke_constraint(error, "loans_borrower_id_fkey"):
            raise bad_request(f"borrower_id: no borrower {borrower_id}") from error
        raise
    return json_response(201, loan, {"location": f"/loans/{loan['id']}"})


def end_loan(request: Request) -> Response:
    """The book is back."""
    id = read_path_id(request)
    if not query("delete from loans where id = %s returning id", [id]):
        raise not_found(f"no loan {id}")
    return {"statusCode": 204}
