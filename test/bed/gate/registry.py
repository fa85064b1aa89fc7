"""Repairs and inventions register here, each under the id of its row in LEDGER.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# A layer answers a call: it may ask the layer below with `proceed(input?)`, change what comes back, or raise AwsError.
Layer = Callable[[Any, Callable[..., dict[str, Any]]], dict[str, Any]]

layers: dict[tuple[str, str], list[Layer]] = {}
ledger_ids: set[str] = set()


def is_idle(layer: Layer, call: Any) -> bool:
    """A layer may say, as its `idle(call)`, that it would only pass the call on."""
    idle = getattr(layer, "idle", None)
    return idle is not None and idle(call)


def repairs(ledger_id: str, service: str, *actions: str) -> Callable[[Layer], Layer]:
    """Puts a layer around `actions`; a later one lies around the earlier ones."""
    ledger_ids.add(ledger_id)

    def register(layer: Layer) -> Layer:
        for action in actions:
            layers.setdefault((service, action), []).append(layer)
        return layer

    return register


def invents(ledger_id: str, service: str, *actions: str) -> Callable[[Callable[[Any], dict[str, Any]]], Callable[[Any], dict[str, Any]]]:
    """Answers `actions` without moto."""

    def register(answer: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
        repairs(ledger_id, service, *actions)(lambda call, _proceed: answer(call))
        return answer

    return register


Guard = Callable[[Any], None]

guards_of: dict[tuple[str, str], list[Guard]] = {}


def guards(ledger_id: str, service: str, *actions: str) -> Callable[[Guard], Guard]:
    """May refuse `actions` before anybody answers them, hooks included."""
    ledger_ids.add(ledger_id)

    def register(guard: Guard) -> Guard:
        for action in actions:
            guards_of.setdefault((service, action), []).append(guard)
        return guard

    return register
