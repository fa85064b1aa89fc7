"""Run by `npm test`: `lambdapg dev` serves the functions on a database of their own, migrated and seeded, which is gone
afterwards, and says in API_URL where. So these requests take the way that real ones take.
"""

import json
import os
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

API = os.environ.get("API_URL")
assert API, 'API_URL is not set: run the tests with "npm test"'


def call(method: str, path: str, body: object = None) -> tuple[int, Any, Any]:
    """Status, headers, and the body as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{API}{path}", data, {"content-type": "application/json"}, method=method)
    try:
        with urlopen(request) as response:
            return response.status, response.headers, json.load(response)
    except HTTPError as error:
        return error.code, error.headers, json.load(error)


def test_the_api_is_healthy_when_its_database_answers() -> None:
    status, _, body = call("GET", "/health")
    assert status == 200
    assert body["status"] == "ok"


def test_a_new_book_can_be_read_back() -> None:
    status, headers, _ = call("POST", "/books", {"title": "Middlemarch", "published_date": "1871-12-01"})
    assert status == 201
    _, _, book = call("GET", headers["location"])
    assert book["title"] == "Middlemarch"
    assert book["published_date"] == "1871-12-01"


def test_a_book_without_a_title_is_refused_with_the_reason() -> None:
    status, _, body = call("POST", "/books", {"published_date": "1871-12-01"})
    assert status == 400
    assert body == {"error": {"code": "bad_request", "message": "title is required"}}


def test_a_book_on_loan_is_not_available_and_cannot_be_lent_again() -> None:
    assert 4 in available_ids()

    assert call("POST", "/loans", {"book_id": 4, "borrower_id": 1})[0] == 201

    assert 4 not in available_ids()
    assert call("POST", "/loans", {"book_id": 4, "borrower_id": 2})[0] == 409


def test_the_scheduled_function_finds_the_seeded_loan_that_is_overdue() -> None:
    # Lambda's own Invoke API, as the AWS SDK and the AWS CLI call it.
    _, _, body = call("POST", "/2015-03-31/functions/overdue/invocations", {})
    assert [loan["title"] for loan in body["overdue"]] == ["Moby-Dick; or, The Whale"]


def available_ids() -> list[int]:
    _, _, body = call("GET", "/books/available?limit=100")
    return [book["id"] for book in body["books"]]
