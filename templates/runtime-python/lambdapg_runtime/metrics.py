"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import json
import time

from .credentials import Counts
from .settings import Settings


def emit_metrics(settings: Settings, counts: Counts, retry_s: float, ok: bool) -> None:
    """Where the settings want it, what one connection took. `ok`: it is open."""
    if settings.emit_metrics:
        name = settings.application_name.split("/")[1]
        settings.emit_metrics(_render_metrics(counts, retry_s * 1_000, name, ok))


def _render_metrics(counts: Counts, retry_ms: float, function_name: str, ok: bool) -> str:
    """A line in CloudWatch's embedded metric format (docs: CloudWatch_Embedded_Metric_Format_Specification)."""
    values = {
        "auth_failures": counts.auth_failures,
        "fallbacks": counts.fallbacks,
        "refreshes": counts.refreshes,
        "slot_waits": counts.waits,
        "renewals": counts.renewals,
        "retry_ms": round(retry_ms),
        "connect_failures": 0 if ok else 1,
    }
    metrics = [{"Name": name, "Unit": "Milliseconds" if name == "retry_ms" else "Count"} for name in values]
    directive = {"Namespace": "lambdapg", "Dimensions": [["function"]], "Metrics": metrics}
    head = {"Timestamp": round(time.time() * 1_000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": head, "function": function_name, **values}, separators=(",", ":"))
