"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import json
import random
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from .aws_signature import Signer
from .credentials import Credentials, SecretUnreadable

_ANSWER_WITHIN_S = 3.0
"""For one try, from the name to the last byte. The answer takes some 10 ms; a missing route never answers."""
_PAUSE_S = 0.1

_ADVICE = {
    "AccessDenied": "the function's role needs secretsmanager:GetSecretValue on it, "
    "and kms:Decrypt where it has a key of its own",
    "ResourceNotFound": "there is no such secret, or no version of it is labelled AWSCURRENT",
    "InvalidRequest": "it may be scheduled for deletion",
    "Decryption": "the function's role needs kms:Decrypt on the secret's key",
}
"""By the type of the error, in the order of looking."""


@dataclass
class _Answer:
    status: int = 0
    """0: there was none."""
    text: str = field(default=f"no answer within {_ANSWER_WITHIN_S * 1000:.0f} ms", repr=False)

    def is_passing(self) -> bool:
        throttled = re.search("Throttling|TooManyRequests", self.text) is not None
        return self.status in (0, 429) or self.status >= 500 or throttled


def read_secret(env: Mapping[str, str], arn: str) -> Credentials:
    """Asks Secrets Manager for the version AWSCURRENT of a secret, twice where the first try failed in passing.

    Raises SecretUnreadable.
    """
    _, partition, _, region, *_ = arn.split(":")
    domain = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    url = (
        env.get("AWS_ENDPOINT_URL_SECRETS_MANAGER")
        or env.get("AWS_ENDPOINT_URL")
        or f"https://secretsmanager.{region}.{domain}"
    )
    answer = _ask(env, url, region, arn)
    if answer.is_passing():
        time.sleep(_PAUSE_S * (1 + random.random()))
        answer = _ask(env, url, region, arn)
    if answer.status != 200:
        raise SecretUnreadable(f"cannot read the secret {arn}: {_explain(answer, url)}")
    credentials = _parse_secret(answer.text)
    if credentials is None:
        raise SecretUnreadable(f"the secret {arn} is no JSON with username and password")
    return credentials


def _ask(env: Mapping[str, str], url: str, region: str, arn: str) -> _Answer:
    host = urlsplit(url).netloc
    body = json.dumps({"SecretId": arn, "VersionStage": "AWSCURRENT"}).encode()
    headers = {
        "host": host,
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "secretsmanager.GetSecretValue",
    }
    signed = Signer(env, "secretsmanager", region).sign_post(headers, body)
    answer = _Answer()
    # In a thread: http.client would give each address of the name the whole timeout, and a name has no timeout at all.
    thread = threading.Thread(target=_post, args=(url, signed, body, answer), daemon=True)
    thread.start()
    thread.join(_ANSWER_WITHIN_S)
    # A late answer changes the other one.
    return _Answer() if thread.is_alive() else answer


def _post(url: str, headers: Mapping[str, str], body: bytes, answer: _Answer) -> None:
    parts = urlsplit(url)
    kind = HTTPConnection if parts.scheme == "http" else HTTPSConnection
    connection = kind(parts.netloc, timeout=_ANSWER_WITHIN_S)
    try:
        connection.request("POST", "/", body, dict(headers))
        response = connection.getresponse()
        answer.text = response.read().decode()
        answer.status = response.status
    except TimeoutError:
        pass
    except (OSError, HTTPException, ValueError) as error:
        answer.text = str(error) or type(error).__name__
    finally:
        connection.close()


def _explain(answer: _Answer, url: str) -> str:
    if answer.status == 0:
        where = "an interface endpoint for Secrets Manager or a NAT gateway, and port 443 open to it"
        return f"{urlsplit(url).netloc} cannot be reached ({answer.text}): a function in a VPC needs {where}"
    fault = _parse_object(answer.text)
    kind = str(fault.get("__type") or "").rpartition("#")[2]
    message = str(fault.get("message") or fault.get("Message") or "")[:300]
    said = " ".join(part for part in (f"HTTP {answer.status}", kind, message) if part)
    advice = next((text for part, text in _ADVICE.items() if part in kind), None)
    return said if advice is None else f"{said}: {advice}"


def _parse_secret(text: str) -> Credentials | None:
    """The form that RDS manages has these two alone; host, port and database are the environment's."""
    secret = _parse_object(_parse_object(text).get("SecretString"))
    user, password = secret.get("username"), secret.get("password")
    if isinstance(user, str) and isinstance(password, str) and user and password:
        return Credentials(user, password)
    return None


def _parse_object(text: object) -> dict[str, Any]:
    """The parser's own error would hold what it could not parse: a secret."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
