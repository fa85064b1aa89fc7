"""Faults: what goes wrong on purpose, by service, action, input and count."""

from __future__ import annotations

import time
from typing import Any

from .account import Account
from .errors import AwsError, Dropped, access_denied, expired, server_error, throttled

AFTER = {"drop-after", "error-after"}


def take_fault(account: Account, service: str, action: str, input: dict[str, Any]) -> dict[str, Any] | None:
    """The first fault that fits, counted down."""
    with account.lock:
        for fault in account.faults:
            if fault["service"] not in ("*", service) or fault["action"] not in ("*", action):
                continue
            if not fits(fault.get("match"), input) or fault.get("count", 1) == 0:
                continue
            if fault.get("skip", 0) > 0:
                fault["skip"] -= 1
                continue
            fault["count"] = fault.get("count", 1) - 1
            fault["hits"] = fault.get("hits", 0) + 1
            return fault
    return None


def fits(match: Any, value: Any) -> bool:
    if isinstance(match, dict):
        return isinstance(value, dict) and all(fits(item, value.get(key)) for key, item in match.items())
    if isinstance(match, list):
        return isinstance(value, list) and all(any(fits(item, one) for one in value) for item in match)
    return match is None or match == value


def inflict(fault: dict[str, Any] | None, account: Account, service: str, action: str, after: bool) -> None:
    """Before the effect (`after` false) or after it: raises, or waits."""
    if fault is None or (fault["kind"] in AFTER) is not after:
        return
    kind = fault["kind"]
    if kind == "delay":
        time.sleep(fault.get("delayMs", 0) / 1000)
        return
    if kind in ("drop-before", "drop-after"):
        raise Dropped
    raise error_of(fault, account, service, action)


def error_of(fault: dict[str, Any], account: Account, service: str, action: str) -> AwsError:
    kind = fault["kind"]
    if kind == "throttling":
        return throttled(service)
    if kind == "access-denied":
        return access_denied(service, action, account.id, fault.get("resource", "*"))
    if kind == "expired":
        return expired(service)
    if kind == "server-error" or "code" not in fault:
        return server_error(service)
    return AwsError(fault["code"], fault.get("message", fault["code"]), fault.get("status"))
