"""CloudFormation's own calls: through the whole gate, so that its faults, models, repairs, hooks and log apply to them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..account import Account
from ..errors import AwsError, Dropped
from ..wire import parse_answer, request_environ, service_model

# It asks again after these: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-type-test-contract.html
TEMPORARY = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "InternalFailure", "InternalError", "ServiceException"}
PAUSE_SECONDS = 0.02


class Calls:
    def __init__(self, account: Account, region: str, access_key: str) -> None:
        self.account = account
        self.region = region
        self.access_key = access_key

    def ask(self, service: str, action: str, **input: Any) -> dict[str, Any]:
        for left in reversed(range(4)):
            try:
                return self.ask_once(service, action, input)
            except AwsError as error:
                if left == 0 or error.code not in TEMPORARY:
                    raise
                time.sleep(PAUSE_SECONDS)
        raise AssertionError

    def ask_once(self, service: str, action: str, input: dict[str, Any]) -> dict[str, Any]:
        from ..app import ask_moto, logged

        operation = service_model(service).operation_model(action)
        environ = request_environ(operation, input, self.account.id, self.region, self.access_key)
        if service == "s3":
            return parse_answer(operation, ask_moto(environ))
        environ["HTTP_USER_AGENT"] = "cloudformation.amazonaws.com"
        try:
            answer = logged(self.account, environ, self.region, self.access_key, operation, input)
        except Dropped:
            raise AwsError("InternalFailure", "the connection was dropped", 500) from None
        return parse_answer(operation, answer)

    def find(self, service: str, action: str, **input: Any) -> dict[str, Any] | None:
        """None where the service says that there is no such thing."""
        try:
            return self.ask(service, action, **input)
        except AwsError as error:
            if is_missing(error):
                return None
            raise

    def drop(self, service: str, action: str, **input: Any) -> None:
        """A deletion; of what is gone it is done already."""
        self.find(service, action, **input)

    def until(self, ready: Callable[[], bool], what: str, asks: int = 400) -> None:
        for _ in range(asks):
            if ready():
                return
            time.sleep(PAUSE_SECONDS)
        raise AwsError("NotStabilized", f"{what} did not stabilize", 400)

    def insist(self, attempt: Callable[[], Any], asks: int = 60) -> None:
        """Again while something still uses it, or it is in the middle of a change."""
        for left in reversed(range(asks)):
            try:
                attempt()
                return
            except AwsError as error:
                if left == 0 or not is_in_use(error):
                    raise
                time.sleep(PAUSE_SECONDS)


def is_missing(error: AwsError) -> bool:
    return any(part in error.code for part in ("NotFound", "NoSuch", "NoSuchEntity", "DoesNotExist"))


def is_in_use(error: AwsError) -> bool:
    return error.code in ("DependencyViolation", "ResourceConflictException", "ConflictException") or error.code.startswith("Invalid") and "State" in error.code
