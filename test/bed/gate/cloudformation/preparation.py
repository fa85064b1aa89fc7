"""From a request to a template that may be deployed: where its text comes from, macros, capabilities, what it would change."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlparse

from moto.s3.models import s3_backends

from ..errors import AwsError
from .calls import Calls
from .deployment import differing, evaluated
from .intrinsics import Unknown
from .sam import expand
from .scope import enabled, parameters_of, scope_of
from .stack import Stack
from .template import Values, check_references, invalid, parse
from .types import type_of

NAMED = {"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::IAM::User": "UserName", "AWS::IAM::Group": "GroupName"}


def body_of(call: Any, stack: Stack | None) -> str:
    """The template's text as the request gives it."""
    input = call.input
    if input.get("TemplateBody"):
        return str(input["TemplateBody"])
    if input.get("TemplateURL"):
        return fetched(call, input["TemplateURL"])
    if input.get("UsePreviousTemplate") and stack is not None and stack.body:
        return stack.body
    raise invalid("Either Template URL or Template Body must be specified.")


def fetched(call: Any, url: str) -> str:
    parsed = urlparse(url)
    host, path = parsed.hostname or "", unquote(parsed.path).lstrip("/")
    in_host = host.split(".s3")[0] if ".s3" in host and ".amazonaws." in host else ""
    bucket, _, key = f"{in_host}/{path}".partition("/") if in_host else path.partition("/")
    try:
        stored: Any = s3_backends[call.account.id]["aws"].get_object(bucket, key)
        return str(stored.value.decode())
    except Exception:
        raise invalid(f"S3 error: Access Denied\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (no {url} in the test bed)") from None


def prepared(call: Any, stack: Stack | None) -> tuple[str, Values, Values]:
    """Text, template with its macros expanded, and the parameters' text; or why it cannot be deployed."""
    body = body_of(call, stack)
    template = parse(body)
    capabilities = call.input.get("Capabilities", [])
    given = parameters_of(template, call.input.get("Parameters", []), stack.parameters if stack is not None else {})
    if template.get("Transform"):
        if "CAPABILITY_AUTO_EXPAND" not in capabilities:
            raise insufficient("CAPABILITY_AUTO_EXPAND")
        template = expand(template, given, call.region)
    check_references(template)
    check_capabilities(template, capabilities)
    return body, template, given


def insufficient(capability: str) -> AwsError:
    return AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{capability}]", 400)


def check_capabilities(template: Values, capabilities: list[str]) -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    if "CAPABILITY_NAMED_IAM" in capabilities:
        return
    for one in template["Resources"].values():
        if not one["Type"].startswith("AWS::IAM::"):
            continue
        if NAMED.get(one["Type"], "") in one.get("Properties", {}):
            raise insufficient("CAPABILITY_NAMED_IAM")
        if "CAPABILITY_IAM" not in capabilities:
            raise insufficient("CAPABILITY_IAM")


def changes_of(calls: Calls, stack: Stack, template: Values, given: Values, tags: list[Values]) -> list[Values]:
    """As DescribeChangeSet shows them: what a reference will give counts as a change when its resource is replaced or new."""
    scope = scope_of(calls, stack, template, given, {})
    names = enabled(template, scope)
    changes = [changed(name, template["Resources"][name]["Type"], "Add") for name in template["Resources"] if name in names and name not in stack.resources]
    known = scope_of(calls, stack, template, given, stack.resources)
    for name in names & set(stack.resources):
        standing, definition = stack.resources[name], template["Resources"][name]
        kind = type_of(definition["Type"])
        try:
            keys = differing(standing.properties, evaluated(definition, known, tags))
        except Unknown:
            keys = {"Properties"}
        metadata = standing.definition.get("Metadata") != definition.get("Metadata")
        if keys or standing.kind != definition["Type"]:
            replaces = kind is None or standing.kind != definition["Type"] or kind.replaced_by(keys)
            changes.append(changed(name, definition["Type"], "Modify", standing.physical, replaces, keys))
        elif metadata or any(standing.definition.get(key) != definition.get(key) for key in ("DeletionPolicy", "UpdateReplacePolicy", "DependsOn")):
            changes.append(changed(name, definition["Type"], "Modify", standing.physical, False, set(), "Metadata"))
    changes += [changed(name, one.kind, "Remove", one.physical) for name, one in stack.resources.items() if name not in names]
    return changes


def changed(name: str, kind: str, action: str, physical: str = "", replaces: bool = False, keys: set[str] = frozenset(), scope: str = "Properties") -> Values:  # type: ignore[assignment]
    change: Values = {"Action": action, "LogicalResourceId": name, "ResourceType": kind, "Scope": [], "Details": []}
    if physical:
        change["PhysicalResourceId"] = physical
    if action == "Modify":
        targets = [{"Attribute": "Properties", "Name": key, "RequiresRecreation": "Always" if replaces else "Never"} for key in sorted(keys)] or [{"Attribute": scope}]
        change |= {"Replacement": "True" if replaces else "False", "Scope": [scope]}
        change["Details"] = [{"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"} for target in targets]
    return {"Type": "Resource", "ResourceChange": change}


def outputs_differ(stack: Stack, template: Values) -> bool:
    return bool(stack.template.get("Outputs", {}) != template.get("Outputs", {}))
