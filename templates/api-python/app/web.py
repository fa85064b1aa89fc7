"""From an HTTP API event (payload format 2.0) to a route and back."""

import base64
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from lambdapg_runtime import start_invocation

Event = Mapping[str, Any]
Response = dict[str, Any]


class HttpError(Exception):
    """Ends a request with this status and `{"error": {"code", "message"}}`. The message is shown to the caller."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str) -> HttpError:
    return HttpError(400, "bad_request", message)


def not_found(message: str) -> HttpError:
    return HttpError(404, "not_found", message)


def conflict(message: str) -> HttpError:
    return HttpError(409, "conflict", message)


@dataclass(frozen=True)
class Request:
    """What a route gets to see of an HTTP request."""

    path: Mapping[str, str]
    """The `{names}` of the route's path."""
    search: Mapping[str, str]
    event: Event

    def body(self) -> object:
        """The body as JSON. Raises HttpError 400."""
        text = self.event.get("body") or ""
        try:
            raw = base64.b64decode(text) if self.event.get("isBase64Encoded") else text.encode()
            return json.loads(raw.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise bad_request("the body is not JSON") from None


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    run: Callable[[Request], Response]


def json_response(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **(headers or {})},
        "body": json.dumps(body, default=_plain, ensure_ascii=False, separators=(",", ":")),
    }


def answer(routes: Sequence[Route], event: Event, context: Any) -> Response:
    """Answers one event with the first route that matches. Never raises."""
    # Whoever waits for a connection then stops in time to answer.
    start_invocation(context)
    try:
        return _dispatch(routes, event)
    except HttpError as error:
        return _failure(error.status, error.code, error.message)
    except Exception as error:
        request_id = context.aws_request_id
        stack = "".join(traceback.format_exception(error))
        entry = {"level": "ERROR", "requestId": request_id, "name": type(error).__name__}
        print(json.dumps({**entry, "message": str(error), "stack": stack}), flush=True)
        return _failure(500, "internal", f"something went wrong; the log of request {request_id} says what")


def _dispatch(routes: Sequence[Route], event: Event) -> Response:
    method, raw_path = event["requestContext"]["http"]["method"], event["rawPath"]
    allowed: list[str] = []
    for route in routes:
        path = _match_path(route.path, raw_path)
        if path is None:
            continue
        if route.method == method:
            # The first of a repeated name counts, as for URLSearchParams.
            pairs = parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)
            return route.run(Request(path, dict(reversed(pairs)), event))
        allowed.append(route.method)
    if not allowed:
        raise not_found(f"no such path: {raw_path}")
    allow = ", ".join(dict.fromkeys(allowed))
    return _failure(
        405, "method_not_allowed", f"{method} is not allowed here; allowed: {allow}", {"allow": allow}
    )


def _match_path(pattern: str, path: str) -> dict[str, str] | None:
    """`/books/{id}` against `/books/7` gives `{"id": "7"}`; None when it does not match."""
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    values: dict[str, str] = {}
    for part, value in zip(wanted, given):
        if part.startswith("{") and value:
            values[part[1:-1]] = value
        elif part != value:
            return None
    return values


def _failure(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return json_response(status, {"error": {"code": code, "message": message}}, headers)


def _plain(value: object) -> str:
    """Dates as ISO 8601, exact numbers with all their digits."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form: add one to _plain in app/web.py")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
