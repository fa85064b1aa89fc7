"""The values that a stack's template is evaluated with: parameters, pseudo parameters, what stands, exports."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import AwsError
from .calls import Calls
from .intrinsics import Scope, truth
from .stack import Resource, Stack, exports_of
from .template import Values, invalid

SSM_TYPE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")


def parameters_of(template: Values, given: list[Values], before: Values) -> Values:
    """What the caller gave for each parameter of the template, as text; `ValidationError` says what is missing or too much."""
    declared = template.get("Parameters", {})
    unknown = [one["ParameterKey"] for one in given if one["ParameterKey"] not in declared]
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values: Values = {}
    for one in given:
        key = one["ParameterKey"]
        if one.get("UsePreviousValue"):
            if key not in before:
                raise invalid(f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template")
            values[key] = before[key]
        else:
            values[key] = one.get("ParameterValue", "")
    missing = [name for name, one in declared.items() if name not in values and "Default" not in one]
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, one in declared.items():
        values.setdefault(name, str(one["Default"]) if not isinstance(one["Default"], bool) else str(one["Default"]).lower())
        check(name, one, values[name])
    return values


def check(name: str, declared: Values, value: str) -> None:
    allowed = declared.get("AllowedValues")
    if allowed and value not in map(str, allowed):
        raise invalid(f"Parameter '{name}' must be one of AllowedValues")
    pattern = declared.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        raise invalid(f"Parameter {name} failed to satisfy constraint: {declared.get('ConstraintDescription', f'Parameter {name} must match pattern {pattern}')}")


def parameter_values(calls: Calls, template: Values, given: Values) -> Values:
    """What a Ref to each parameter gives: lists are lists, names of SSM parameters their values."""
    values: Values = {}
    for name, text in given.items():
        kind = template["Parameters"][name].get("Type", "String")
        stored = SSM_TYPE.fullmatch(kind)
        if stored:
            kind, text = stored[1], ssm_value(calls, text)
        values[name] = [item.strip() for item in text.split(",")] if kind.startswith("List<") or kind == "CommaDelimitedList" else text
    return values


def ssm_value(calls: Calls, name: str) -> str:
    try:
        return str(calls.ask("ssm", "GetParameter", Name=name, WithDecryption=False)["Parameter"]["Value"])
    except AwsError as error:
        if error.code != "ParameterNotFound":
            raise
        raise invalid(f"Unable to fetch parameters [{name}] from parameter store for this account.") from None


def scope_of(calls: Calls, stack: Stack, template: Values, given: Values, resources: dict[str, Resource]) -> Scope:
    def find(name: str) -> Any:
        resource = resources.get(name)
        return (resource.physical, resource.attributes) if resource is not None and resource.physical else None

    pseudo = {
        "AWS::AccountId": calls.account.id, "AWS::Region": calls.region, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": stack.name, "AWS::StackId": stack.id, "AWS::NotificationARNs": [],
    }
    zones = [f"{calls.region}{letter}" for letter in "abc"]
    scope = Scope(template, parameter_values(calls, template, given), pseudo, find, exports_of(calls.account, calls.region), zones)
    for name, rule in template.get("Rules", {}).items():
        for one in rule.get("Assertions", []):
            if ("RuleCondition" not in rule or truth(scope.value(rule["RuleCondition"]))) and not truth(scope.value(one["Assert"])):
                raise invalid(f"Template validation error: {one.get('AssertDescription', f'Rule {name} was not met')}")
    return scope


def enabled(template: Values, scope: Scope) -> set[str]:
    """The resources whose condition holds."""
    return {name for name, one in template["Resources"].items() if "Condition" not in one or scope.holds(one["Condition"])}


SECRET = re.compile(r"\{\{resolve:(secretsmanager|ssm|ssm-secure):([^}]+)\}\}")


def dynamic(calls: Calls, value: Any) -> Any:
    """Dynamic references become what they stand for, at the last moment: a stack never remembers them."""
    if isinstance(value, list):
        return [dynamic(calls, item) for item in value]
    if isinstance(value, dict):
        return {key: dynamic(calls, item) for key, item in value.items()}
    return SECRET.sub(lambda match: resolved(calls, match[1], match[2]), value) if isinstance(value, str) else value


def resolved(calls: Calls, kind: str, reference: str) -> str:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
    if kind != "secretsmanager":
        name, _, version = reference.partition(":")
        return str(calls.ask("ssm", "GetParameter", Name=f"{name}:{version}" if version else name, WithDecryption=True)["Parameter"]["Value"])
    found = re.fullmatch(r"(arn:aws:secretsmanager:[^:]+:\d+:secret:[^:]+|[^:]+)(?::SecretString(?::([^:]*)(?::([^:]*)(?::([^:]*))?)?)?)?", reference)
    if found is None:
        raise invalid(f"Invalid dynamic reference {{{{resolve:secretsmanager:{reference}}}}}")
    id, key, stage, version = found.groups()
    input = {"SecretId": id, **({"VersionStage": stage} if stage else {}), **({"VersionId": version} if version else {})}
    text = calls.ask("secretsmanager", "GetSecretValue", **input)["SecretString"]
    if not key:
        return str(text)
    values = json.loads(text)
    if key not in values:
        raise invalid("Could not find a value associated with JSONKey in SecretString")
    return str(values[key])
