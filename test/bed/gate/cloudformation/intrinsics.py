"""Functions of templates, evaluated with what is known: parameters, conditions, and resources that stand."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable
from typing import Any

from ..errors import AwsError
from .template import Values, invalid

NO_VALUE = object()


class Scope:
    """`find(name)` gives a standing resource's `(Ref, attributes)`; None before it stands."""

    def __init__(self, template: Values, parameters: Values, pseudo: Values, find: Callable[[str], Any], exports: Values, zones: list[str]) -> None:
        self.template = template
        self.parameters = parameters
        self.pseudo = pseudo
        self.find = find
        self.exports = exports
        self.zones = zones

    def value(self, raw: Any) -> Any:
        """`raw` with every function evaluated; members that became AWS::NoValue are left out."""
        if isinstance(raw, list):
            return [item for item in map(self.value, raw) if item is not NO_VALUE]
        if not isinstance(raw, dict):
            return raw
        if len(raw) == 1:
            ((name, argument),) = raw.items()
            if name == "Ref":
                return self.ref(argument)
            if name == "Condition" and isinstance(argument, str):
                return self.holds(argument)
            if name.startswith("Fn::"):
                if name not in FUNCTIONS:
                    raise invalid(f"Template error: the test bed does not know the function {name}")
                return FUNCTIONS[name](self, argument)
        evaluated = {key: self.value(item) for key, item in raw.items()}
        return {key: item for key, item in evaluated.items() if item is not NO_VALUE}

    def ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self.standing(name)[0]

    def standing(self, name: str) -> Any:
        found = self.find(name)
        if found is None:
            raise Unknown("ValidationError", f"Unresolved resource dependencies [{name}] in the Resources block of the template", 400)
        return found

    def attribute(self, name: str, path: str) -> Any:
        attributes = self.standing(name)[1]
        if path not in attributes:
            kind = self.template["Resources"].get(name, {}).get("Type")
            raise invalid(f"Template error: resource {name} does not support attribute type {path} in Fn::GetAtt (the test bed knows of {kind}: {', '.join(sorted(attributes)) or 'none'})")
        return attributes[path]

    def holds(self, name: str) -> bool:
        conditions = self.template.get("Conditions", {})
        if name not in conditions:
            raise invalid(f"Template format error: Unresolved condition dependency {name}")
        return truth(self.value(conditions[name]))


class Unknown(AwsError):
    """What a value depends on does not stand: not yet, in a change set."""


def truth(value: Any) -> bool:
    return value is True or value == "true"


def get_att(scope: Scope, argument: Any) -> Any:
    name, path = argument.split(".", 1) if isinstance(argument, str) else (argument[0], scope.value(argument[1]))
    return scope.attribute(name, path)


def sub(scope: Scope, argument: Any) -> str:
    text, given = (argument, {}) if isinstance(argument, str) else argument
    values = {key: scope.value(item) for key, item in given.items()}

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        if name in values:
            return spelled(values[name])
        if "." in name:
            return spelled(scope.attribute(*name.split(".", 1)))
        return spelled(scope.ref(name))

    return re.sub(r"\$\{([^}]+)\}", replace, text)


def spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(spelled, value))
    return str(value)


def join(scope: Scope, argument: Any) -> str:
    separator, items = argument
    return str(separator).join(spelled(item) for item in scope.value(items))


def select(scope: Scope, argument: Any) -> Any:
    at, items = int(scope.value(argument[0])), scope.value(argument[1])
    if at >= len(items):
        raise invalid("Template error: Fn::Select cannot select nonexistent value at index " + str(at))
    return items[at]


def find_in_map(scope: Scope, argument: Any) -> Any:
    name, first, second = (scope.value(item) for item in argument[:3])
    try:
        return scope.value(scope.template["Mappings"][name][first][second])
    except KeyError:
        if len(argument) > 3:
            return scope.value(argument[3]["DefaultValue"])
        raise invalid(f"Template error: Unable to get mapping for {name}::{first}::{second}") from None


def cidr(scope: Scope, argument: Any) -> list[str]:
    block, count, bits = (scope.value(item) for item in [*argument, 8][:3])
    blocks = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
    return [str(next(blocks)) for _ in range(int(count))]


def import_value(scope: Scope, argument: Any) -> Any:
    name = scope.value(argument)
    if name not in scope.exports:
        raise invalid(f"No export named {name} found. Rollback requested by user.")
    return scope.exports[name]


def choose(scope: Scope, argument: Any) -> Any:
    return scope.value(argument[1] if scope.holds(argument[0]) else argument[2])


FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Fn::GetAtt": get_att,
    "Fn::Sub": sub,
    "Fn::Join": join,
    "Fn::Select": select,
    "Fn::Split": lambda scope, argument: str(scope.value(argument[1])).split(argument[0]),
    "Fn::If": choose,
    "Fn::Equals": lambda scope, argument: spelled(scope.value(argument[0])) == spelled(scope.value(argument[1])),
    "Fn::And": lambda scope, argument: all(truth(scope.value(item)) for item in argument),
    "Fn::Or": lambda scope, argument: any(truth(scope.value(item)) for item in argument),
    "Fn::Not": lambda scope, argument: not truth(scope.value(argument[0])),
    "Fn::Contains": lambda scope, argument: scope.value(argument[1]) in scope.value(argument[0]),
    "Fn::FindInMap": find_in_map,
    "Fn::Base64": lambda scope, argument: base64.b64encode(str(scope.value(argument)).encode()).decode(),
    "Fn::GetAZs": lambda scope, _argument: list(scope.zones),
    "Fn::Cidr": cidr,
    "Fn::ImportValue": import_value,
    "Fn::Length": lambda scope, argument: len(scope.value(argument)),
    "Fn::ToJsonString": lambda scope, argument: json.dumps(scope.value(argument), separators=(",", ":")),
}
