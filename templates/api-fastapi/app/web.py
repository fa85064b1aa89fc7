"""What all routes share: the session, JSON bodies, and errors, which all have one form."""

import json
import traceback
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from lambdapg_runtime import start_invocation

from .db import read_session, session

DbSession = Annotated[Session, Depends(session)]
ReadSession = Annotated[Session, Depends(read_session)]


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


class JsonRoute(APIRoute):
    """A route whose body, if it has one, is a JSON object in UTF-8, as RFC 8259 has it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return handle_json


class _JsonRequest(Request):
    async def json(self) -> dict[str, Any]:
        try:
            body = json.loads((await self.body()).decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise bad_request("the body is not JSON") from None
        if not isinstance(body, dict):
            raise bad_request("the body must be a JSON object")
        return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def answer_errors(app: FastAPI) -> None:
    """Gives all errors of an application the form of `Failure`."""

    async def answer_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path, headers = request.url.path, dict(error.headers or {})
        if isinstance(error, HttpError):
            return _failure(error.status_code, error.code, error.detail, headers)
        if error.status_code == 404:
            return _failure(404, "not_found", f"no such path: {path}", headers)
        if error.status_code == 405:
            allow = _allowed_methods(app, request.scope)
            message = f"{request.method} is not allowed here; allowed: {allow}"
            return _failure(405, "method_not_allowed", message, {"allow": allow})
        return _failure(error.status_code, "refused", str(error.detail), headers)

    async def answer_invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return _failure(400, "bad_request", _explain(error.errors()[0]))

    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_middleware(_Invocation)


class _Invocation:
    """Around each request: the runtime learns how long it may wait for a connection, and what nobody expected is
    answered so that the caller learns nothing and the log all. (A handler of `Exception` would raise it again behind
    the answer.)"""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Neither uvicorn nor a TestClient has one.
        context = scope.get("aws.context")
        if context is not None:
            start_invocation(context)
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope["type"] != "http":
                raise
            request_id = getattr(context, "aws_request_id", "local")
            stack = "".join(traceback.format_exception(error))
            entry = {"level": "ERROR", "requestId": request_id, "name": type(error).__name__}
            print(json.dumps({**entry, "message": str(error), "stack": stack}), flush=True)
            message = f"something went wrong; the log of request {request_id} says what"
            await _failure(500, "internal", message)(scope, receive, send)


_MESSAGES = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_too_long": "must be at most {max_length} characters",
    "string_unicode": "contains a character that cannot be stored",
    # What a check of app/fields.py says.
    "value_error": "{error}",
}
"""By pydantic's type of the error."""


def _explain(error: Mapping[str, Any]) -> str:
    """pydantic's error in a sentence that names the field."""
    field = next((part for part in error["loc"][1:] if isinstance(part, str)), None)
    if field is None:
        return "the body is not JSON" if error["type"] == "missing" else "the body must be a JSON object"
    kind = "missing" if error["input"] is None else error["type"]
    message = _MESSAGES.get(kind) or str(error["msg"])
    return f"{field} {message.format(**error.get('ctx', {}))}"


def _allowed_methods(app: FastAPI, scope: Scope) -> str:
    def takes(method: str) -> bool:
        asked = {**scope, "method": method}
        return any(route.matches(asked)[0] is Match.FULL for route in app.router.routes)

    return ", ".join(filter(takes, ("GET", "POST", "PUT", "PATCH", "DELETE")))


def _failure(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
