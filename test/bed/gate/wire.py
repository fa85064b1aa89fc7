"""Between bytes and values, both ways and in every AWS protocol, by botocore's service models.

Requests are parsed by moto's parsers and answers written by moto's serializers; requests to moto are written by
botocore's serializers and its answers read by botocore's parsers.
"""

from __future__ import annotations

import base64
import datetime
import functools
import io
import re
import threading
import uuid
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

import botocore.parsers
import botocore.serialize
from botocore.model import OperationNotFoundError
from moto.core.model import OperationModel, ServiceModel
from moto.core.responses import PROTOCOL_PARSERS
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.wrappers import Request

from .errors import AwsError
from .registry import ledger_ids


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


# Signing name -> botocore's service, where they differ.
SERVICES = {
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "tagging": "resourcegroupstaggingapi",
    "states": "stepfunctions",
}

models_lock = threading.Lock()


@functools.cache
def load_model(service: str) -> ServiceModel:
    return get_service_model(service)


def service_model(service: str) -> ServiceModel:
    with models_lock:
        return load_model(service)


def service_of(signing_name: str, path: str) -> str:
    if signing_name == "apigateway":
        return "apigatewayv2" if path.startswith("/v2/") else "apigateway"
    return SERVICES.get(signing_name, signing_name)


def protocol_of(model: ServiceModel) -> str:
    # CloudWatch's first is CBOR; the SDK for JavaScript speaks JSON to it, which is its second.
    return "json" if model.service_name == "cloudwatch" else str(model.metadata["protocol"])


def operation_of(service: str, request: Request, raw_path: str) -> tuple[OperationModel, dict[str, str]]:
    """The operation that a request asks for and what its path holds; `OperationNotFoundError` when it is none."""
    model = service_model(service)
    protocol = protocol_of(model)
    if protocol in ("query", "ec2"):
        return model.operation_model(request.values.get("Action", "")), {}
    if protocol == "json":
        return model.operation_model(request.headers.get("X-Amz-Target", "").split(".")[-1]), {}
    for method, pattern, query, name in rest_routes(service):
        match = pattern.match(raw_path)
        if match and method == request.method and all(key in request.args for key in query):
            groups = {key.replace("_HYPHEN_", "-"): unquote(value) for key, value in match.groupdict().items()}
            return model.operation_model(name), groups
    raise OperationNotFoundError(f"{service} {request.method} {raw_path}")


@functools.cache
def rest_routes(service: str) -> list[tuple[str, re.Pattern[str], list[str], str]]:
    """Of a REST service: method, path, needed query keys and operation, the most specific first."""
    routes = []
    model = service_model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        pattern = re.sub(
            r"\{([^}+]+)(\+?)\}",
            lambda found: f"(?P<{found[1].replace('-', '_HYPHEN_')}>{'.+' if found[2] else '[^/]+'})",
            path,
        )
        keys = [part.split("=")[0] for part in query.split("&") if part]
        routes.append((http["method"], re.compile(f"^{pattern.rstrip('/')}/?$"), keys, name))
    return sorted(routes, key=lambda route: (len(route[2]), len(re.sub(r"\(\?P.*?\)", "", route[1].pattern))), reverse=True)


def parse_request(operation: OperationModel, request: Request, url_params: dict[str, str]) -> dict[str, Any]:
    parser = PROTOCOL_PARSERS[protocol_of(operation.service_model)](operation, map_type=dict)
    parsed = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.get_data(),
            "url_path": request.path,
            "url_params": url_params,
        }
    )
    shape = operation.input_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    if payload is not None and shape.members[payload].type_name == "blob":
        parsed[payload] = request.get_data()
    return parsed


def serialize_output(operation: OperationModel, output: dict[str, Any]) -> Answer:
    shape = operation.output_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    if payload is None or shape.members[payload].type_name != "blob":
        return serialize(operation, output)
    # moto's serializer takes a blob body for text.
    answer = serialize(operation, {key: value for key, value in output.items() if key != payload})
    return Answer(status_of(shape, output, answer.status), answer.headers, output.get(payload, b""))


def status_of(shape: Any, output: dict[str, Any], usual: int) -> int:
    """The member that stands for the HTTP status (lambda Invoke: 200, 202, 204) decides it."""
    named = [name for name, member in shape.members.items() if member.serialization.get("location") == "statusCode"]
    return int(output.get(named[0], usual)) if named else usual


def serialize_error(operation: OperationModel, error: AwsError) -> Answer:
    answer = serialize(operation, error)
    headers = answer.headers
    if protocol_of(operation.service_model) == "rest-json":
        headers = [(name, value) for name, value in headers if name.lower() != "x-amzn-errortype"]
        headers.append(("X-Amzn-Errortype", error.code))
    return Answer(error.status or answer.status, headers, answer.body)


def serialize(operation: OperationModel, result: object) -> Answer:
    model = operation.service_model
    protocol = protocol_of(model)
    written = get_serializer_class(str(model.service_name), protocol)(operation).serialize(result)
    request_id = str(uuid.uuid4())
    body = written["body"]
    data = body if isinstance(body, bytes) else (body or "").encode()
    data = re.sub(rb"(?<=<RequestId>).*?(?=</RequestId>)", request_id.encode(), data)
    headers = [(name, str(value)) for name, value in written["headers"].items()]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", {"json": "application/x-amz-json-1.1", "rest-json": "application/json"}.get(protocol, "text/xml")))
    headers.append(("x-amzn-RequestId", request_id))
    return Answer(int(written["status_code"]), headers, data)


def request_environ(operation: OperationModel, input: dict[str, Any], account: str, region: str, access_key: str) -> dict[str, Any]:
    """A WSGI request to moto for `input`."""
    model = operation.service_model
    protocol = protocol_of(model)
    written = botocore.serialize.create_serializer(protocol, include_validation=False).serialize_to_request(input, operation)
    body = written["body"]
    data = urlencode(body).encode() if isinstance(body, dict) else (body.encode() if isinstance(body, str) else body)
    signing_name = str(model.metadata.get("signingName") or model.metadata["endpointPrefix"])
    headers = {
        **written["headers"],
        "Authorization": f"AWS4-HMAC-SHA256 Credential={access_key}/20261121/{region}/{signing_name}/aws4_request, SignedHeaders=host, Signature=0",
        "x-moto-account-id": account,
    }
    if protocol in ("query", "ec2"):
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
    path, _, query = written["url_path"].partition("?")
    query = "&".join(part for part in (query, urlencode(written["query_string"], doseq=True)) if part)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": written["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "REQUEST_URI": f"{path}?{query}" if query else path,
        "RAW_URI": f"{path}?{query}" if query else path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "HTTP_HOST": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.input": io.BytesIO(data),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.decode() if isinstance(value, bytes) else value
    return environ


def parse_answer(operation: OperationModel, answer: Answer) -> dict[str, Any]:
    """What an answer of moto says; raises the `AwsError` in it."""
    protocol = protocol_of(operation.service_model)
    headers = botocore.awsrequest.HeadersDict(answer.headers)
    if is_crash(operation, answer):
        raise not_implemented(operation, answer)
    parsed = botocore.parsers.create_parser(protocol).parse(
        {"status_code": answer.status, "headers": headers, "body": answer.body}, operation.output_shape
    )
    parsed.pop("ResponseMetadata", None)
    if answer.status >= 300:
        error = parsed.get("Error", {})
        raise AwsError(error.get("Code", "Unknown"), error.get("Message", ""), answer.status)
    return parsed


def is_crash(operation: OperationModel, answer: Answer) -> bool:
    """moto answers what it lacks, and its own crashes, with a page of HTML, which no AWS client can read."""
    return answer.status in (404, 405, 500) and answer.body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))


ledger_ids.add("not-implemented")


def not_implemented(operation: OperationModel, answer: Answer) -> AwsError:
    title = re.search(rb"<title>\s*(.*?)\s*(//.*)?</title>", answer.body, re.S)
    why = title[1].decode(errors="replace") if title else "no such route"
    return AwsError("NotImplemented", f"the test bed cannot answer {operation.service_model.service_name}:{operation.name} ({why})", 501)


def to_json(value: Any) -> Any:
    """Values as JSON: bytes as base64, times as ISO 8601."""
    if isinstance(value, dict):
        # A copy: the request log's entries grow while they are read.
        return {key: to_json(item) for key, item in dict(value).items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return to_json(value.read()) if hasattr(value, "read") else str(value)


def from_json(value: Any, shape: Any) -> Any:
    """JSON as the values of `shape`: base64 becomes bytes."""
    if shape is None or value is None:
        return value
    if shape.type_name == "structure":
        return {key: from_json(item, shape.members.get(key)) for key, item in value.items()}
    if shape.type_name == "list":
        return [from_json(item, shape.member) for item in value]
    if shape.type_name == "map":
        return {key: from_json(item, shape.value) for key, item in value.items()}
    return base64.b64decode(value) if shape.type_name == "blob" else value
