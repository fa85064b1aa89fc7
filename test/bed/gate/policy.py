"""IAM policies, simply: actions and resources with wildcards, deny over allow. Conditions count as met."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote


def decide(documents: list[Any], action: str, resource: str | None) -> str:
    """`allowed`, `explicitDeny` or `implicitDeny`; a resource of None fits every statement."""
    effects = {statement["Effect"] for document in documents for statement in statements(document) if covers(statement, action, resource)}
    if "Deny" in effects:
        return "explicitDeny"
    return "allowed" if "Allow" in effects else "implicitDeny"


def statements(document: Any) -> list[dict[str, Any]]:
    if isinstance(document, str):
        document = json.loads(unquote(document) if document.lstrip().startswith("%") else document)
    found = document.get("Statement", [])
    return found if isinstance(found, list) else [found]


def covers(statement: dict[str, Any], action: str, resource: str | None) -> bool:
    if "NotAction" in statement:
        named = not any(fits(one, action, re.IGNORECASE) for one in listed(statement["NotAction"]))
    else:
        named = any(fits(one, action, re.IGNORECASE) for one in listed(statement.get("Action", [])))
    if resource is None:
        # A deny of one resource must not deny all of them.
        return named and (statement["Effect"] == "Allow" or "*" in listed(statement.get("Resource", [])))
    if "NotResource" in statement:
        return named and not any(fits(one, resource) for one in listed(statement["NotResource"]))
    return named and (resource == "*" and "*" in listed(statement.get("Resource", [])) or resource != "*" and any(fits(one, resource) for one in listed(statement.get("Resource", []))))


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def fits(pattern: str, value: str, flags: int = 0) -> bool:
    regex = "".join(".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch(regex, value, flags) is not None
