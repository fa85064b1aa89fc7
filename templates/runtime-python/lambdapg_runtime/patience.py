"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import random
import time
from typing import Any

_RESERVE_S = 1.0
"""What is left to a handler when the wait for a connection was in vain: to answer, and to say why."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0

_invocation_ends_at = 0.0


def start_invocation(context: Any) -> None:
    """Tells how long this invocation may still take, so that waiting for a connection ends in time. To be called first
    in a handler, with Lambda's context; without it only the settings' `retry_within_ms` counts."""
    # One for all: an environment serves one event at a time.
    global _invocation_ends_at
    _invocation_ends_at = time.time() + context.get_remaining_time_in_millis() / 1_000


def patience_ends(retry_within_ms: int) -> float:
    """The moment when waiting that starts now has to end."""
    return time.time() + min(retry_within_ms / 1_000, _left_s())


def within_invocation(limit_ms: int) -> float:
    """As much of a time limit as the invocation has left, in seconds, but enough for a login to a server that is
    there."""
    return min(limit_ms / 1_000, max(_left_s(), _RESERVE_S / 2))


def spare_s(limit_s: float) -> float:
    """For what can wait until later: never more than a quarter of what the invocation has left."""
    left = _invocation_ends_at - time.time()
    return min(limit_s, left / 4) if left > 0 else limit_s


def has_left(seconds: float) -> bool:
    """Whether the invocation has so much time left, or nobody knows."""
    left = _invocation_ends_at - time.time()
    return left <= 0 or left >= seconds


def _left_s() -> float:
    now = time.time()
    # One that is over belonged to an invocation before this one.
    return _invocation_ends_at - _RESERVE_S - now if _invocation_ends_at > now else float("inf")


def pause_after(tries: int, until: float) -> bool:
    """Waits before the next try: any time up to 100 ms, then 200, 400, 800, 1000 ("full jitter": many environments that
    failed together do not come back together). False, without waiting, where it would take longer than `until`."""
    pause = random.random() * min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(tries - 1, 10))
    if time.time() + pause > until:
        return False
    time.sleep(pause)
    return True
