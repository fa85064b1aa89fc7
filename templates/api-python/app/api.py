from typing import Any

from lambdapg_runtime import with_probe

from .authors import create_author, get_author, list_authors
from .books import create_book, get_book, list_available_books, list_books
from .db import database
from .health import get_health
from .loans import create_loan, end_loan, get_loan
from .reviews import create_review, list_reviews
from .web import Event, Response, Route, answer

# The first match answers, so `/books/available` stands before `/books/{id}`.
ROUTES = (
    Route("GET", "/health", get_health),
    Route("GET", "/books", list_books),
    Route("POST", "/books", create_book),
    Route("GET", "/books/available", list_available_books),
    Route("GET", "/books/{id}", get_book),
    Route("GET", "/books/{id}/reviews", list_reviews),
    Route("POST", "/books/{id}/reviews", create_review),
    Route("GET", "/authors", list_authors),
    Route("POST", "/authors", create_author),
    Route("GET", "/authors/{id}", get_author),
    Route("POST", "/loans", create_loan),
    Route("GET", "/loans/{id}", get_loan),
    Route("DELETE", "/loans/{id}", end_loan),
)


# `lambdapg rotate-creds` may ask the function which login it has; the rest goes to `handler`.
@with_probe(database)
def handler(event: Event, context: Any) -> Response:
    """API Gateway sends everything here ("$default" in lambdapg.json) instead of matching routes itself, so that a
    wrong path (404) and a wrong method (405) get the same JSON errors as everything else, here and in the cloud."""
    return answer(ROUTES, event, context)
