"""The WSGI application: control routes, plain moto, or a call through the gate."""

from __future__ import annotations

import html
import io
import re
import socket
import time
import traceback
from typing import Any

from botocore.model import OperationNotFoundError
from botocore.exceptions import UnknownServiceError
from moto.iam.models import get_account_id_from
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from . import cloudformation, overlays, repairs  # noqa: F401  register their layers
from .account import Account, accounts
from .call import Call
from .control import control
from .errors import AwsError, Dropped, access_denied, malformed, permission_of
from .faults import inflict, take_fault
from .hooks import ask, hooks_of
from .moto_speed import cache_lookups
from .policy import decide
from .registry import guards_of
from .validate import validate
from .wire import (
    Answer,
    is_crash,
    not_implemented,
    operation_of,
    parse_answer,
    parse_request,
    serialize_error,
    serialize_output,
    service_of,
    to_json,
)

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/(\d+)/([^/,\s]+)/([^/,\s]+)/aws4_request")
ACCOUNT_IN_KEY = re.compile(r"^A[KS]IA(\d{12})")
# An access key of this form reaches moto as it is: the other half of a ledger row.
PLAIN_KEY = re.compile(r"^AKIP(\d{12})")

cache_lookups()
overlays.register()

moto_app = DomainDispatcherApplication(create_backend_app)


def ask_moto(environ: dict[str, Any]) -> Answer:
    head: list[Any] = []
    try:
        body = moto_app(environ, lambda status, headers, *_: head.extend((status, headers)))
    except Exception as error:
        # What moto's own server does with a bug of its own or an operation it lacks.
        page = f"<!doctype html>\n<html lang=en>\n<title>{html.escape(f'{type(error).__name__}: {error}')}</title>\n"
        return Answer(500, [("Content-Type", "text/html; charset=utf-8")], page.encode())
    try:
        data = b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    return Answer(int(head[0].split()[0]), head[1], data)


def application(environ: dict[str, Any], start_response: Any) -> Any:
    if environ["PATH_INFO"].startswith("/_gate/"):
        return control(Request(environ), ask_moto)(environ, start_response)
    try:
        answer = answer_of(environ)
    except Dropped:
        return drop(environ)
    headers = [(name, value) for name, value in answer.headers if name.lower() not in ("content-length", "connection")]
    return Response(answer.body, answer.status, headers)(environ, start_response)


def drop(environ: dict[str, Any]) -> Any:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionError("dropped on purpose")


def answer_of(environ: dict[str, Any]) -> Answer:
    body = read_body(environ)
    credential = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", "")) or CREDENTIAL.search(
        environ.get("QUERY_STRING", "").replace("X-Amz-Credential", "Credential").replace("%2F", "/")
    )
    if credential is None:
        return ask_moto(environ)
    key, _, region, signing_name = credential.groups()
    plain = PLAIN_KEY.match(key)
    if plain:
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = plain[1]
        return ask_moto(environ)
    found = ACCOUNT_IN_KEY.match(key)
    account = accounts.get(found[1] if found else get_account_id_from(key))
    environ["HTTP_X_MOTO_ACCOUNT_ID"] = account.id
    service = service_of(signing_name, environ["PATH_INFO"])
    if service == "s3":
        return ask_moto(environ)
    request = Request({**environ, "wsgi.input": io.BytesIO(body)})
    raw_path = environ.get("REQUEST_URI", environ["PATH_INFO"]).split("?")[0]
    try:
        operation, url_params = operation_of(service, request, raw_path)
    except (OperationNotFoundError, UnknownServiceError) as error:
        account.violate("request", service, str(error), "no operation of this name in botocore's model")
        return ask_moto(environ)
    return logged(account, environ, region, key, operation, parse_request(operation, request, url_params))


def read_body(environ: dict[str, Any]) -> bytes:
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        body = environ["wsgi.input"].read()
    else:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return body


def logged(account: Account, environ: dict[str, Any], region: str, key: str, operation: Any, input: dict[str, Any]) -> Answer:
    call = Call(ask_moto, account, region, key, operation, input)
    entry: dict[str, Any] = {
        "service": call.service,
        "action": call.action,
        "region": region,
        "input": to_json(input),
        "attempt": environ.get("HTTP_AMZ_SDK_REQUEST", ""),
        "userAgent": environ.get("HTTP_USER_AGENT", ""),
        "startedMs": round(time.time() * 1000),
    }
    account.requests.append(entry)
    try:
        answer = safely(call, environ)
        entry["status"] = answer.status
        if answer.status >= 300:
            entry["error"] = error_code(call, answer)
        return answer
    except AwsError as error:
        answer = serialize_error(operation, error)
        entry.update(status=answer.status, error=error.code, message=error.message)
        return answer
    except Dropped:
        entry.update(status=0, error="dropped")
        raise
    finally:
        entry["endedMs"] = round(time.time() * 1000)


def safely(call: Call, environ: dict[str, Any]) -> Answer:
    """A bug of the gate itself is a violation, so that no test can take it for AWS's answer."""
    try:
        return checked(call, environ)
    except (AwsError, Dropped):
        raise
    except Exception:
        call.account.violate("gate", call.service, call.action, traceback.format_exc())
        raise AwsError("GateFailed", f"the gate failed at {call.service}:{call.action}", 500) from None


def error_code(call: Call, answer: Answer) -> str:
    try:
        parse_answer(call.operation, answer)
    except AwsError as error:
        return error.code
    return "unknown"


def checked(call: Call, environ: dict[str, Any]) -> Answer:
    account = call.account
    fault = take_fault(account, call.service, call.action, call.input)
    inflict(fault, account, call.service, call.action, after=False)
    broken = validate(call.input, call.operation.input_shape)
    if broken:
        for violation in broken:
            account.violate("request", call.service, call.action, violation.message)
        raise malformed(call.service, broken[0].missing, broken[0].path, broken[0].message)
    permitted(call)
    for guard in guards_of.get((call.service, call.action), []):
        guard(call)
    answer = effect(call, environ)
    inflict(fault, account, call.service, call.action, after=True)
    return answer


def permitted(call: Call) -> None:
    """By action alone: which resources a call touches is not known here."""
    if call.account.policies is None or (call.service, call.action) == ("sts", "GetCallerIdentity"):
        return
    if decide(call.account.policies, permission_of(call.service, call.action), None) != "allowed":
        raise access_denied(call.service, call.action, call.account.id)


def effect(call: Call, environ: dict[str, Any]) -> Answer:
    instead = hooks_of(call.account, call.service, call.action, "instead")
    after = hooks_of(call.account, call.service, call.action, "after")
    if not instead and not after and not call.layered:
        with call.account.lock:
            answer = ask_moto(environ)
        if is_crash(call.operation, answer):
            raise not_implemented(call.operation, answer)
        return answer
    if instead:
        output = ask(instead[-1], call, "instead", None) or {}
    else:
        with call.account.lock:
            output = call.answer()
    for wait in call.afterwards:
        wait()
    for hook in after:
        output = ask(hook, call, "after", output) or {}
    wrong = validate(output, call.operation.output_shape)
    for violation in wrong:
        call.account.violate("answer", call.service, call.action, violation.message)
    if wrong:
        raise AwsError("GateFailed", f"the gate's answer breaks the model of {call.service}:{call.action}: {wrong[0].message}", 500)
    return serialize_output(call.operation, output)
