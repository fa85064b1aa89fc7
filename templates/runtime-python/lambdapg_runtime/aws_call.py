"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .aws_signature import Signer
from .credential_text import parse_object
from .credentials import SecretUnreadable
from .http_request import Answer, HttpRequest, ask


@dataclass(frozen=True)
class AwsCall:
    service: str
    """secretsmanager or ssm."""
    title: str
    """For people."""
    target: str
    region: str
    input: Mapping[str, Any]
    what: str
    """What is read, for errors: `the secret arn:...`."""
    advice: Mapping[str, str]
    """What to look at, by a part of the error's type, in the order of looking."""


def call_aws(env: Mapping[str, str], call: AwsCall) -> dict[str, Any]:
    """Calls AWS with the function's own role, by a request signed here: an SDK takes a cold start far longer.

    Raises SecretUnreadable.
    """
    domain = "amazonaws.com.cn" if call.region.startswith("cn-") else "amazonaws.com"
    name = "SSM" if call.service == "ssm" else "SECRETS_MANAGER"
    base = (
        env.get(f"AWS_ENDPOINT_URL_{name}")
        or env.get("AWS_ENDPOINT_URL")
        or f"https://{call.service}.{call.region}.{domain}"
    )
    parts = urlsplit(base)
    body = json.dumps(call.input).encode()
    headers = {"host": parts.netloc, "content-type": "application/x-amz-json-1.1", "x-amz-target": call.target}

    def make() -> HttpRequest:
        signed = Signer(env, call.service, call.region).sign_post(headers, body)
        return HttpRequest("POST", f"{parts.scheme}://{parts.netloc}/", signed, body)

    answer = ask(make)
    if answer.status == 200:
        return parse_object(answer.text)
    raise SecretUnreadable(f"cannot read {call.what}: {_explain(answer, parts.netloc, call)}")


def _explain(answer: Answer, host: str, call: AwsCall) -> str:
    if answer.status == 0:
        where = f"an interface endpoint for {call.title} or a NAT gateway, and port 443 open to it"
        return f"{host} cannot be reached ({answer.text}): a function in a VPC needs {where}"
    fault = parse_object(answer.text)
    kind = str(fault.get("__type") or "").rpartition("#")[2]
    message = str(fault.get("message") or fault.get("Message") or "")[:300]
    said = " ".join(part for part in (f"HTTP {answer.status}", kind, message) if part)
    advice = next((text for part, text in call.advice.items() if part in kind), None)
    return said if advice is None else f"{said}: {advice}"
