"""What a caller may send, as types: each accepts a value or says what it must be."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

LARGEST_ID = 999_999_999_999_999
"""The largest id that every JSON reader keeps exact."""


def _read_digits(value: object) -> object:
    """Of a path or a query, where everything is text. A default is no text."""
    if isinstance(value, str):
        if not re.fullmatch("[0-9]{1,15}", value):
            raise ValueError("must be a whole number")
        return int(value)
    return value


def _check_id(value: int) -> int:
    if value < 1:
        raise ValueError("must be 1 or more")
    return value


def _check_limit(value: int) -> int:
    if not 1 <= value <= 100:
        raise ValueError("must be from 1 to 100")
    return value


def _check_whole(lowest: int, highest: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        # JSON has one kind of number: 2.0 is whole. In Python, True is an int.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        raise ValueError(f"must be a whole number from {lowest} to {highest}")

    return check


def _check_storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("contains a character that cannot be stored")
    return text


def _check_not_empty(text: str) -> str:
    if text.strip() == "":
        raise ValueError("must not be empty")
    return text


def _read_date(value: object) -> date:
    if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("must be a date such as 2026-11-21")


def _check_ids(value: object) -> object:
    if not isinstance(value, list) or len(value) > 100:
        raise ValueError("must be a list of at most 100 ids")
    return value


def _without_repeats(ids: list[int]) -> list[int]:
    return list(dict.fromkeys(ids))


PathId = Annotated[int, BeforeValidator(_read_digits), AfterValidator(_check_id), Path(json_schema_extra={"minimum": 1})]
# What is in `Field` stands in the OpenAPI document; the check before it says the same in our words.
Id = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(_check_whole(1, LARGEST_ID))]
Ids = Annotated[list[Id], Field(max_length=100), BeforeValidator(_check_ids), AfterValidator(_without_repeats)]
Rating = Annotated[int, Field(ge=1, le=5), BeforeValidator(_check_whole(1, 5))]
Day = Annotated[date, BeforeValidator(_read_date)]
Comment = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_check_storable)]
Title = Annotated[str, StringConstraints(max_length=300), AfterValidator(_check_storable), AfterValidator(_check_not_empty)]
Name = Annotated[str, StringConstraints(max_length=200), AfterValidator(_check_storable), AfterValidator(_check_not_empty)]


@dataclass(frozen=True)
class Page:
    """`?limit=20&after=120`. The next page starts after the last id of this one, which no insert can shift."""

    limit: Annotated[
        int,
        BeforeValidator(_read_digits),
        AfterValidator(_check_limit),
        Query(description="At most this many.", json_schema_extra={"minimum": 1, "maximum": 100}),
    ] = 20
    after: Annotated[int, BeforeValidator(_read_digits), Query(description="Only rows with a higher id.")] = 0
