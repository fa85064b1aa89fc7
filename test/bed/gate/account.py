"""What the gate knows of one account: one test's faults, hooks, pace, request log and violations."""

from __future__ import annotations

import threading
from typing import Any

# Reads for which an intermediate state lasts, by kind (see kinds.py); `default` for the others.
DEFAULT_PACE = {"default": 1}


class Account:
    def __init__(self, id: str) -> None:
        self.id = id
        self.lock = threading.RLock()
        self.faults: list[dict[str, Any]] = []
        self.hooks: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.violations: list[dict[str, Any]] = []
        self.pace: dict[str, int] = dict(DEFAULT_PACE)
        self.lag: dict[str, int] = {"default": 0}
        self.overlays: dict[tuple[str, str], Any] = {}
        # IAM policies of the caller: None allows everything.
        self.policies: list[Any] | None = None
        # What repairs remember, by (region, name).
        self.memory: dict[tuple[str, str], dict[str, Any]] = {}

    def remembered(self, region: str, name: str) -> dict[str, Any]:
        return self.memory.setdefault((region, name), {})

    def pace_of(self, kind: str) -> int:
        return self.pace.get(kind, self.pace.get("default", 1))

    def lag_of(self, kind: str) -> int:
        return self.lag.get(kind, self.lag.get("default", 0))

    def violate(self, where: str, service: str, action: str, message: str) -> None:
        self.violations.append({"where": where, "service": service, "action": action, "message": message})


class Accounts:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.by_id: dict[str, Account] = {}

    def get(self, id: str) -> Account:
        with self.lock:
            return self.by_id.setdefault(id, Account(id))

    def forget(self, id: str) -> None:
        with self.lock:
            self.by_id.pop(id, None)


accounts = Accounts()
