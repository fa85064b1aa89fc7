"""What only a data plane can answer: a hook does, or nobody. moto's own answers would be inventions without a database."""

from __future__ import annotations

from typing import Any

from ..errors import AwsError
from ..registry import invents


@invents("hook-only", "lambda", "Invoke")
def invoke(call: Any) -> dict[str, Any]:
    return nobody(call)


@invents("hook-only", "rds-data", "ExecuteStatement", "BatchExecuteStatement", "BeginTransaction", "CommitTransaction", "RollbackTransaction")
def data_api(call: Any) -> dict[str, Any]:
    return nobody(call)


def nobody(call: Any) -> dict[str, Any]:
    raise AwsError("NotImplemented", f"no data plane answers {call.service}:{call.action}: register a hook", 501)
