"""Errors, which all have one form."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope


class HttpError(HTTPException):
    """Ends a request with this status and `{"error": {"code", "message"}}`. The message is shown to the caller."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, message)
        self.code = code


def bad_request(message: str) -> HttpError:
    return HttpError(400, "bad_request", message)


def not_found(message: str) -> HttpError:
    return HttpError(404, "not_found", message)


def conflict(message: str) -> HttpError:
    return HttpError(409, "conflict", message)


class Fault(BaseModel):
    code: str
    message: str


class Failure(BaseModel):
    """How every error looks."""

    error: Fault


def failure(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def answer_errors(app: FastAPI) -> None:
    """Gives all errors of an application the form of `Failure`."""

    async def answer_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path, headers = request.url.path, dict(error.headers or {})
        if isinstance(error, HttpError):
            return failure(error.status_code, error.code, error.detail, headers)
        if error.status_code == 404:
            return failure(404, "not_found", f"no such path: {path}", headers)
        if error.status_code == 405:
            allow = _allowed_methods(app, request.scope)
            message = f"{request.method} is not allowed here; allowed: {allow}"
            return failure(405, "method_not_allowed", message, {"allow": allow})
        return failure(error.status_code, "refused", str(error.detail), headers)

    async def answer_invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return failure(400, "bad_request", _explain(error.errors()[0]))

    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(RequestValidationError, answer_invalid)


_MESSAGES = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_too_long": "must be at most {max_length} characters",
    "string_unicode": "contains a character that cannot be stored",
    "model_attributes_type": "must be a JSON object",
    # What a check of app/fields.py says.
    "value_error": "{error}",
}
"""By pydantic's type of the error; for any other, pydantic's own words do."""


def _explain(error: Mapping[str, Any]) -> str:
    """pydantic's error in a sentence that names the field, or the body."""
    field = next((part for part in error["loc"][1:] if isinstance(part, str)), None)
    if field is None and error["type"] == "missing":
        return "the body is not JSON"
    kind = "missing" if error["input"] is None else error["type"]
    ours = _MESSAGES.get(kind)
    message = error["msg"] if ours is None else ours.format(**error.get("ctx", {}))
    return f"{field or 'the body'} {message}"


def _allowed_methods(app: FastAPI, scope: Scope) -> str:
    def takes(method: str) -> bool:
        asked = {**scope, "method": method}
        return any(route.matches(asked)[0] is Match.FULL for route in app.router.routes)

    return ", ".join(filter(takes, ("GET", "POST", "PUT", "PATCH", "DELETE")))
