"""One AWS call on its way through the gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.model import OperationModel

from .account import Account
from .errors import AwsError
from .registry import is_idle, layers
from .wire import Answer, parse_answer, request_environ, service_model

Moto = Callable[[dict[str, Any]], Answer]


class Call:
    """`input` is parsed; `aws()` asks moto for something else on the way, as the same account and region."""

    def __init__(self, moto: Moto, account: Account, region: str, access_key: str, operation: OperationModel, input: dict[str, Any]) -> None:
        self.moto = moto
        self.account = account
        self.region = region
        self.access_key = access_key
        self.operation = operation
        self.service = str(operation.service_model.service_name)
        self.action = str(operation.name)
        self.input = input
        # What its answer waits for once the effect has happened, without the account's lock.
        self.afterwards: list[Callable[[], None]] = []

    @property
    def layered(self) -> bool:
        return bool(self.stack())

    def stack(self) -> list[Any]:
        """The layers that have something to do for this call."""
        return [layer for layer in layers.get((self.service, self.action), []) if not is_idle(layer, self)]

    def answer(self) -> dict[str, Any]:
        """Moto's answer with every layer around it."""
        return through(self.stack(), self)

    def from_moto(self, input: dict[str, Any] | None = None) -> dict[str, Any]:
        environ = request_environ(
            self.operation, self.input if input is None else input, self.account.id, self.region, self.access_key
        )
        return parse_answer(self.operation, self.moto(environ))

    def to(self, service: str, action: str, input: dict[str, Any]) -> Call:
        return Call(self.moto, self.account, self.region, self.access_key, service_model(service).operation_model(action), input)

    def aws(self, service: str, action: str, **input: Any) -> dict[str, Any]:
        """Plain moto's answer."""
        return self.to(service, action, input).from_moto()

    def mended(self, service: str, action: str, **input: Any) -> dict[str, Any]:
        """The gate's own answer, every layer included."""
        return self.to(service, action, input).answer()

    def below(self, left_out: set[Any]) -> dict[str, Any]:
        """The answer without some layers."""
        stack = layers.get((self.service, self.action), [])
        return through([layer for layer in stack if layer not in left_out], self)

    def exists(self, service: str, action: str, **input: Any) -> bool:
        try:
            self.aws(service, action, **input)
        except AwsError:
            return False
        return True


def through(stack: list[Any], call: Call) -> dict[str, Any]:
    if not stack:
        return call.from_moto()
    *below, layer = stack

    def proceed(input: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer of the layers below, of another input if one is given: hooks still see the caller's own."""
        return through(below, call if input is None else call.to(call.service, call.action, input))

    return layer(call, proceed)
