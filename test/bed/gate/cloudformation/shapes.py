"""Properties of a template as the input of an API call: the same names in botocore's model, text as its types."""

from __future__ import annotations

import json
from typing import Any

from ..errors import AwsError
from ..wire import service_model
from .intrinsics import spelled
from .template import Values


def shaped(service: str, action: str, properties: Values, **rename: str | None) -> Values:
    """The input of `action`; `rename` names properties that the API calls otherwise, None leaves one out."""
    called = {name: rename.get(name, name) for name in properties}
    named = {str(called[name]): value for name, value in properties.items() if called[name] is not None}
    shape = service_model(service).operation_model(action).input_shape
    return structure(named, shape, f"{service}:{action}")


def structure(value: Values, shape: Any, where: str) -> Values:
    members = {name.lower(): (name, member) for name, member in shape.members.items()}
    result = {}
    for key, item in value.items():
        if key.lower() not in members:
            raise AwsError("NotImplemented", f"the test bed does not know the property {key} for {where}", 501)
        name, member = members[key.lower()]
        result[name] = coerced(item, member, f"{where}.{name}")
    return result


def coerced(value: Any, shape: Any, where: str) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return structure(value, shape, where)
    if kind == "list":
        if isinstance(value, dict):  # tags as a map
            return as_tags(value, shape)
        items = value if isinstance(value, list) else [value]
        return [coerced(item, shape.member, where) for item in items]
    if kind == "map":
        if isinstance(value, list):
            value = {item["Key"]: item["Value"] for item in value}
        return {key: coerced(item, shape.value, where) for key, item in value.items()}
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "string":
        return json.dumps(value) if isinstance(value, dict) else spelled(value)
    return value.encode() if kind == "blob" and isinstance(value, str) else value


def as_tags(value: Values, shape: Any) -> list[Values]:
    key, item = (next(name for name in shape.member.members if name.lower() == wanted) for wanted in ("key", "value"))
    return [{key: name, item: spelled(text)} for name, text in value.items()]
