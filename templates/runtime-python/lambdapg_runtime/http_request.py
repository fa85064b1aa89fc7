"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

_ANSWER_WITHIN_S = 3.0
"""For one request, from the name to the last byte. An answer takes some 10 ms; a missing route never answers."""
_PAUSE_S = 0.1


@dataclass
class Answer:
    status: int = 0
    """0: there was none."""
    text: str = field(default=f"no answer within {_ANSWER_WITHIN_S * 1000:.0f} ms", repr=False)


@dataclass(frozen=True)
class HttpRequest:
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = b""


def ask(make: Callable[[], HttpRequest]) -> Answer:
    """Sends what `make` gives, twice where the first try failed in passing. It is called for each try: a signature has
    its moment. Never raises."""
    answer = _send(make())
    if not _is_passing(answer):
        return answer
    time.sleep(_PAUSE_S * (1 + random.random()))
    return _send(make())


def _is_passing(answer: Answer) -> bool:
    throttled = re.search("Throttling|TooManyRequests", answer.text) is not None
    return answer.status in (0, 429) or answer.status >= 500 or throttled


def _send(request: HttpRequest) -> Answer:
    answer = Answer()
    # In a thread: http.client would give each address of the name the whole timeout, and a name has no timeout at all.
    thread = threading.Thread(target=_exchange, args=(request, answer), daemon=True)
    thread.start()
    thread.join(_ANSWER_WITHIN_S)
    # A late answer changes the other one.
    return Answer() if thread.is_alive() else answer


def _exchange(request: HttpRequest, answer: Answer) -> None:
    parts = urlsplit(request.url)
    kind = HTTPConnection if parts.scheme == "http" else HTTPSConnection
    connection = kind(parts.netloc, timeout=_ANSWER_WITHIN_S)
    try:
        connection.request(request.method, parts.path or "/", request.body or None, dict(request.headers))
        response = connection.getresponse()
        answer.text = response.read().decode()
        answer.status = response.status
    except TimeoutError:
        pass
    except (OSError, HTTPException, ValueError) as error:
        answer.text = str(error) or type(error).__name__
    finally:
        connection.close()
