"""The data plane's part: an account registers a URL for actions, and the gate asks it.

POST <url> {account, region, service, action, phase, input, output?}: bytes as base64, times as ISO 8601.
 phase 'instead': nobody else answers, of several hooks the last; `output` is absent.
 phase 'after': the gate and moto have answered `output`; the effect has happened. Of several hooks each sees what the one before made of it.
Answer: {} (nothing to add), {output} (replaces the whole output) or {error: {code, message, status?}}.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from .account import Account
from .errors import AwsError
from .wire import from_json, to_json


def hooks_of(account: Account, service: str, action: str, phase: str) -> list[str]:
    """In the order in which they were registered."""
    name = f"{service}:{action}"
    return [str(hook["url"]) for hook in list(account.hooks) if name in hook[phase]]


def ask(url: str, call: Any, phase: str, output: dict[str, Any] | None) -> dict[str, Any] | None:
    question = {
        "account": call.account.id,
        "region": call.region,
        "service": call.service,
        "action": call.action,
        "phase": phase,
        "input": to_json(call.input),
        **({} if output is None else {"output": to_json(output)}),
    }
    request = urllib.request.Request(url, json.dumps(question).encode(), {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=910) as answer:
        reply = json.loads(answer.read() or b"{}")
    if "error" in reply:
        error = reply["error"]
        raise AwsError(error["code"], error.get("message", ""), error.get("status"))
    return from_json(reply["output"], call.operation.output_shape) if "output" in reply else output
