import psycopg

from .db import broke_constraint, query
from .fields import read_id, read_object, read_optional_text, read_path_id, read_whole
from .web import Request, Response, bad_request, json_response, not_found


def list_reviews(request: Request) -> Response:
    book_id = read_path_id(request)
    if not query("select id from books where id = %s", [book_id]):
        raise not_found(f"no book {book_id}")
    reviews = query(
        """select id, book_id, borrower_id, rating, comment, review_date from reviews
           where book_id = %s order by id""",
        [book_id],
    )
    return json_response(200, {"reviews": reviews})


def create_review(request: Request) -> Response:
    book_id = read_path_id(request)
    fields = read_object(request)
    borrower_id = read_id(fields, "borrower_id")
    rating = read_whole(fields, "rating", 1, 5)
    comment = read_optional_text(fields, "comment", 2_000)
    try:
        [review] = query(
            """insert into reviews (book_id, borrower_id, rating, comment) values (%s, %s, %s, %s)
               returning id, book_id, borrower_id, rating, comment, review_date""",
            [book_id, borrower_id, rating, comment],
        )
    except psycopg.IntegrityError as error:
        if broke_constraint(error, "reviews_book_id_fkey"):
            raise not_found(f"no book {book_id}") from error
        if broke_constraint(error, "reviews_borrower_id_fkey"):
            raise bad_request(f"borrower_id: no borrower {borrower_id}") from error
        raise
    return json_response(201, review, {"location": f"/books/{book_id}/reviews"})
