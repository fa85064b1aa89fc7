"""Values against botocore's shapes: required members and types (botocore's own validator), then what it leaves out:
enums, patterns, lengths and ranges."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import regex
from botocore.validate import ParamValidator


class Violation(NamedTuple):
    path: str
    message: str
    missing: bool


def validate(value: Any, shape: Any) -> list[Violation]:
    if shape is None:
        return []
    found = [Violation(*told(text)) for text in reports(value, shape)]
    return found or list(constraints(value, shape, ""))


def reports(value: Any, shape: Any) -> list[str]:
    report = ParamValidator().validate(value, shape)
    return report.generate_report().split("\n") if report.has_errors() else []


def told(text: str) -> tuple[str, str, bool]:
    missing = text.startswith("Missing required parameter")
    name = text.rsplit('"', 2)[1] if '"' in text else ""
    return name, text, missing


def constraints(value: Any, shape: Any, path: str) -> Any:
    kind = shape.type_name
    if kind == "structure":
        for name, item in value.items():
            if name in shape.members and item is not None:
                yield from constraints(item, shape.members[name], f"{path}.{name}" if path else name)
    elif kind == "list":
        yield from length(value, shape, path)
        for at, item in enumerate(value):
            yield from constraints(item, shape.member, f"{path}.{at + 1}.member")
    elif kind == "map":
        for key, item in value.items():
            yield from constraints(key, shape.key, f"{path}.key")
            yield from constraints(item, shape.value, f"{path}.{key}")
    elif kind == "string" and isinstance(value, str):
        yield from of_string(value, shape, path)
    elif kind in ("integer", "long", "float", "double") and not isinstance(value, bool):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if (low is not None and value < low) or (high is not None and value > high):
            yield failed(value, path, f"Member must have value between {low} and {high}")


def of_string(value: str, shape: Any, path: str) -> Any:
    enum = shape.metadata.get("enum")
    # EC2's model writes some states with a capital that the service does not send (VPC endpoints: `available`).
    if enum and value not in enum and value.lower() not in (one.lower() for one in enum):
        yield failed(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not compiled(pattern).fullmatch(value):
        yield failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")
    yield from length(value, shape, path)


def length(value: Any, shape: Any, path: str) -> Any:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and len(value) < low) or (high is not None and len(value) > high):
        yield failed(value, path, f"Member must have length between {low} and {high}")


def failed(value: Any, path: str, rule: str) -> Violation:
    return Violation(path, f"Value '{value}' at '{path}' failed to satisfy constraint: {rule}", False)


@functools.cache
def compiled(pattern: str) -> Any:
    # The models' patterns are Java's: `regex` knows \p{L} and possessive quantifiers, `re` does not.
    return regex.compile(pattern)
