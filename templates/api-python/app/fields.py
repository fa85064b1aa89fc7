"""Reading what a caller sent: each function returns a value of the right type, or raises a 400 that names the field
and the reason."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from .web import Request, bad_request

LARGEST_ID = 999_999_999_999_999
"""The largest id that every JSON reader keeps exact."""

Fields = dict[str, Any]


@dataclass(frozen=True)
class Page:
    limit: int
    """At most this many."""
    after: int
    """Only rows with a higher id; 0 for the first page."""


def read_page(request: Request) -> Page:
    """`?limit=20&after=120`. The next page starts after the last id of this one, which no insert can shift."""
    limit = _read_digits("limit", request.search.get("limit", "20"))
    if not 1 <= limit <= 100:
        raise bad_request("limit must be from 1 to 100")
    return Page(limit, _read_digits("after", request.search.get("after", "0")))


def read_path_id(request: Request) -> int:
    id = _read_digits("id", request.path["id"])
    if id == 0:
        raise bad_request("id must be 1 or more")
    return id


def read_object(request: Request) -> Fields:
    value = request.body()
    if isinstance(value, dict):
        return value
    raise bad_request("the body must be a JSON object")


def read_text(fields: Fields, field: str, longest: int) -> str:
    text = read_optional_text(fields, field, longest)
    if text is None:
        raise bad_request(f"{field} is required")
    if text.strip() == "":
        raise bad_request(f"{field} must not be empty")
    return text


def read_optional_text(fields: Fields, field: str, longest: int) -> str | None:
    value = fields.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise bad_request(f"{field} must be a string")
    # PostgreSQL stores neither a NUL nor half of a surrogate pair.
    if re.search("[\0\ud800-\udfff]", value):
        raise bad_request(f"{field} contains a character that cannot be stored")
    if len(value) > longest:
        raise bad_request(f"{field} must be at most {longest} characters")
    return value


def read_optional_date(fields: Fields, field: str) -> date | None:
    value = fields.get(field)
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise bad_request(f"{field} must be a date such as 2026-11-21")


def read_whole(fields: Fields, field: str, lowest: int, highest: int) -> int:
    value = fields.get(field)
    if value is None:
        raise bad_request(f"{field} is required")
    # JSON has one kind of number: 2.0 is whole. In Python, True is an int.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
        return value
    raise bad_request(f"{field} must be a whole number from {lowest} to {highest}")


def read_id(fields: Fields, field: str) -> int:
    return read_whole(fields, field, 1, LARGEST_ID)


def read_optional_ids(fields: Fields, field: str) -> list[int]:
    value = fields.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 100:
        raise bad_request(f"{field} must be a list of at most 100 ids")
    return list(dict.fromkeys(read_id({field: id}, field) for id in value))


def _read_digits(field: str, text: str) -> int:
    if re.fullmatch("[0-9]{1,15}", text):
        return int(text)
    raise bad_request(f"{field} must be a whole number")
