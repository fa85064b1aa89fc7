"""What lies around all routes: the invocation, the session, and JSON bodies."""

import json
import traceback
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.types import ASGIApp, Receive, Scope, Send

from lambdapg_runtime import start_invocation

from .db import read_session, session
from .errors import bad_request, failure

DbSession = Annotated[Session, Depends(session)]
ReadSession = Annotated[Session, Depends(read_session)]


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


class Invocation:
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
            await failure(500, "internal", message)(scope, receive, send)
