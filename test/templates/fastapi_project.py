"""Run by fastapi.test.ts in a generated project, on its migrated and seeded database."""

import asyncio
import json
import re
import threading
from types import SimpleNamespace
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError
from sqlalchemy import inspect
from sqlalchemy.orm import Session, configure_mappers

from app.api import app, handler
from app.db import engine
from app.errors import _explain
from app.models import Base, Book, Loan


def ask(path, method="GET", query=""):
    http = {"method": method, "path": path, "sourceIp": "127.0.0.1"}
    event = {"version": "2.0", "rawPath": path, "rawQueryString": query, "headers": {}}
    context = SimpleNamespace(aws_request_id="1", get_remaining_time_in_millis=lambda: 9_000)
    return handler({**event, "requestContext": {"http": http}}, context)


def refuse(_value):
    raise ValueError("asks for {too much}")


class Pair(BaseModel):
    left: int


def kind_of(column):
    return re.sub(r"\(.*", "", str(column["type"])).upper()


@pytest.mark.parametrize("name", sorted(Base.metadata.tables))
def test_a_model_has_the_columns_keys_and_references_of_its_table(name):
    found, table = inspect(engine), Base.metadata.tables[name]
    columns = {column["name"]: (kind_of(column), column["nullable"]) for column in found.get_columns(name)}
    assert {column.name: (str(column.type), column.nullable) for column in table.columns} == columns
    assert [column.name for column in table.primary_key] == found.get_pk_constraint(name)["constrained_columns"]
    references = {
        (key["constrained_columns"][0], key["referred_table"], key["referred_columns"][0])
        for key in found.get_foreign_keys(name)
    }
    assert {(key.parent.name, key.column.table.name, key.column.name) for key in table.foreign_keys} == references
    unique = {constraint["column_names"][0] for constraint in found.get_unique_constraints(name)}
    assert {column.name for column in table.columns if column.unique} == unique


def test_every_table_has_a_model():
    ours = {name for name in inspect(engine).get_table_names() if not name.startswith("lambdapg")}
    assert ours == set(Base.metadata.tables)


def test_the_relations_read_both_ways():
    configure_mappers()
    with Session(engine) as session:
        book = session.get_one(Book, 2)
        assert book.loan is not None
        assert book.loan.borrower.loans == [book.loan]
        assert book.authors[0].books[0].authors
        assert session.get_one(Book, 1).reviews[0].borrower.reviews


def test_a_book_that_is_deleted_takes_its_loan_along():
    with Session(engine) as session:
        session.delete(session.get_one(Book, 2))
        session.flush()
        assert session.query(Loan).filter_by(book_id=2).all() == []
        session.rollback()


def test_available_books_are_found_with_and_without_the_last_slash():
    with_slash, without = ask("/books/available/"), ask("/books/available")
    assert (with_slash["statusCode"], with_slash["body"]) == (200, without["body"])
    assert len(json.loads(ask("/books/available", query="limit=2")["body"])["books"]) == 2


def test_openapi_tells_every_route_its_limits_and_its_errors():
    response = ask("/openapi.json")
    document = json.loads(response["body"])
    assert response["statusCode"] == 200
    assert sorted(document["paths"]) == [
        "/authors",
        "/authors/{id}",
        "/books",
        "/books/available",
        "/books/{id}",
        "/books/{id}/reviews",
        "/health",
        "/loans",
        "/loans/{id}",
    ]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert all("4XX" in operation["responses"] and "422" not in operation["responses"] for operation in operations)
    [limit, after] = document["paths"]["/books"]["get"]["parameters"]
    assert (limit["name"], limit["required"], after["name"]) == ("limit", False, "after")
    assert limit["schema"] | {"description": ""} == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 20,
        "description": "",
        "title": "Limit",
    }
    review = document["components"]["schemas"]["NewReview"]
    assert (review["properties"]["rating"]["minimum"], review["properties"]["rating"]["maximum"]) == (1, 5)


def test_docs_is_a_page_that_loads_the_document():
    response = ask("/docs")
    assert response["statusCode"] == 200
    assert response["headers"]["content-type"].startswith("text/html")
    assert response["isBase64Encoded"] is False
    assert "url: '/openapi.json'" in response["body"]


@pytest.mark.parametrize(
    ("place", "model", "given", "told"),
    [
        (("query", "q"), Annotated[str, Field(pattern="^a{2}$")], "b", "q String should match pattern '^a{2}$'"),
        (("body",), Annotated[dict, AfterValidator(refuse)], {}, "the body asks for {too much}"),
        (("body",), Pair, [], "the body must be a JSON object"),
    ],
)
def test_what_pydantic_finds_is_told_whatever_it_is(place, model, given, told):
    with pytest.raises(ValidationError) as failure:
        TypeAdapter(model).validate_python(given, from_attributes=True)
    assert _explain({**failure.value.errors()[0], "loc": place}) == told


def test_the_application_runs_without_lambda_too(capsys):
    """Under uvicorn, or a test client: an ASGI request that has no context of Lambda's."""
    sent = []

    async def run(path):
        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        head = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
        await app(head, receive, send)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(run("/books/1"))
    assert sent[0]["status"] == 200
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "get", lambda *_, **__: 1 / 0)
        loop.run_until_complete(run("/books/1"))
    loop.close()
    assert sent[2]["status"] == 500
    assert "ZeroDivisionError" in capsys.readouterr().out


def threads_that_stay():
    """Nobody joins the thread that a request has used, so that it may still be ending."""
    for thread in threading.enumerate():
        if thread.name == "AnyIO worker thread":
            thread.join(10)
    return threading.active_count()


def test_requests_leave_no_thread_and_no_open_transaction_behind():
    ask("/books")
    before = threads_that_stay()
    for _ in range(20):
        assert ask("/books/1")["statusCode"] == 200
    assert threads_that_stay() <= before
    assert engine.pool.checkedout() == 0

