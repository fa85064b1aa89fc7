"""A template: JSON or YAML to a value, its parameters, and which resource needs which."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from ..errors import AwsError

Values = dict[str, Any]

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
SECTIONS = {
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Transform",
    "Resources", "Outputs", "Globals", "Hooks",
}
ATTRIBUTES = {
    "Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy",
    "CreationPolicy",
}


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags; dates stay text."""


def tagged(loader: Any, suffix: str, node: Any) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


Loader.add_multi_constructor("!", tagged)
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message, 400)


def parse(body: str) -> Values:
    """The template; a `ValidationError` says what no template may be."""
    try:
        template = json.loads(body) if body.lstrip().startswith("{") else yaml.load(body, Loader)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise invalid(f"Template format error: {str(error).splitlines()[0]}") from None
    if not isinstance(template, dict):
        raise invalid("Template format error: unsupported structure.")
    unknown = sorted(set(template) - SECTIONS)
    if unknown:
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    for name, resource in resources.items():
        if not re.fullmatch(r"[A-Za-z0-9]+", str(name)):
            raise invalid(f"Template format error: Resource name {name} is non alphanumeric.")
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise invalid(f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member.")
        wrong = sorted(set(resource) - ATTRIBUTES)
        if wrong:
            raise invalid(f"Invalid template resource property '{wrong[0]}'")
    return template


def check_references(template: Values) -> None:
    """Names that nothing in the template has: `ValidationError`, as CloudFormation says it before it begins."""
    known = set(template["Resources"]) | set(template.get("Parameters", {}))
    for block in ("Resources", "Outputs"):
        lost = sorted(name for name in references(template.get(block, {})) if name not in known and not name.startswith("AWS::"))
        if lost:
            raise invalid(f"Template format error: Unresolved resource dependencies [{', '.join(lost)}] in the {block} block of the template")
    order(template, set(template["Resources"]))


def references(value: Any) -> set[str]:
    """Every name that a value refers to: resources, parameters, pseudo parameters."""
    found: set[str] = set()
    if isinstance(value, list):
        for item in value:
            found |= references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str) and len(value) == 1:
                found.add(item)
            elif key == "Fn::GetAtt" and len(value) == 1:
                found.add((item.split(".", 1) if isinstance(item, str) else item)[0])
            elif key == "Fn::Sub" and len(value) == 1:
                found |= of_sub(item)
            elif key == "DependsOn":
                found |= {item} if isinstance(item, str) else set(item)
            else:
                found |= references(item)
    return found


def of_sub(item: Any) -> set[str]:
    text, values = (item, {}) if isinstance(item, str) else item
    names = {name.split(".", 1)[0].strip() for name in re.findall(r"\$\{([^!}][^}]*)\}", text)}
    return (names - set(values)) | references(values)


def needs(template: Values, name: str) -> set[str]:
    resource = template["Resources"][name]
    return references({"Properties": resource.get("Properties", {}), "DependsOn": resource.get("DependsOn", [])}) & set(template["Resources"])


def order(template: Values, names: set[str]) -> list[str]:
    """`names`, each after what it needs; `ValidationError` for a circle."""
    sorted_names: list[str] = []
    left = {name: needs(template, name) & names for name in template["Resources"] if name in names}
    while left:
        free = [name for name, wanted in left.items() if not wanted - set(sorted_names)]
        if not free:
            raise invalid(f"Circular dependency between resources: [{', '.join(sorted(left))}]")
        sorted_names += free
        for name in free:
            del left[name]
    return sorted_names
