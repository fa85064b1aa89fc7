"""What goes: in which order, by which policy, and how a failure is told."""

from __future__ import annotations

import traceback
from typing import Any

from ..errors import AwsError
from .calls import Calls
from .scope import dynamic
from .stack import Resource, Stack, now
from .template import Values
from .types import Work, type_of


class Failed(Exception):
    """A resource could not be made or changed."""


def dynamic_or_not(calls: Calls, properties: Values) -> Values:
    """The old value of a reference may be gone."""
    try:
        return dict(dynamic(calls, properties))
    except AwsError:
        return properties


def deletion_order(resources: dict[str, Resource]) -> list[Resource]:
    """Each before what it needs."""
    left, sorted_ones = list(resources.values()), []
    while left:
        needed = {name for one in left for name in one.needs if name != one.logical}
        free = [one for one in left if one.logical not in needed] or left[-1:]
        sorted_ones += free
        left = [one for one in left if not any(one is other for other in free)]
    return sorted_ones


# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
def policy_of(resource: Resource, policy: str | None) -> str:
    if policy is not None:
        return policy
    alone = resource.kind == "AWS::RDS::DBInstance" and not {"DBClusterIdentifier", "SourceDBInstanceIdentifier"} & set(resource.properties)
    return "Snapshot" if alone or resource.kind == "AWS::RDS::DBCluster" else "Delete"


def take_away(calls: Calls, stack: Stack, resource: Resource, policy: str | None) -> None:
    decided = policy_of(resource, policy)
    if decided in ("Retain", "RetainExceptOnCreate"):
        stack.mark(resource, "DELETE_SKIPPED")
        return
    stack.mark(resource, "DELETE_IN_PROGRESS")
    kind = type_of(resource.kind)
    if kind is not None and resource.physical:
        work = Work(calls, stack, resource)
        properties = dynamic_or_not(calls, resource.properties)
        if decided == "Snapshot":
            kind.snapshot(work, properties)
        else:
            kind.delete(work, properties)
    stack.mark(resource, "DELETE_COMPLETE")


def delete_stack(calls: Calls, stack: Stack, retained: list[str]) -> None:
    """Everything that it has; `DELETE_FAILED` with what is left when something does not go."""
    failed = []
    for resource in deletion_order(stack.resources):
        if resource.status == "DELETE_COMPLETE":
            continue
        if any(resource.logical in other.needs for other in failed):
            continue
        try:
            kept = "Retain" if resource.logical in retained else resource.definition.get("DeletionPolicy")
            take_away(calls, stack, resource, kept)
        except Exception as error:
            stack.mark(resource, "DELETE_FAILED", told(stack, error))
            failed.append(resource)
    if failed:
        stack.move("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(one.logical for one in failed)}]. ")
        return
    stack.move("DELETE_COMPLETE")
    stack.deleted = now()


def told(stack: Stack, error: Any) -> str:
    """A reason for an event; a bug of the bed is a violation, so that no test takes it for AWS's answer."""
    if isinstance(error, Failed):
        return str(error)
    if isinstance(error, AwsError):
        return f"{error.message} (Service error code: {error.code})"
    stack.account.violate("gate", "cloudformation", stack.name, "".join(traceback.format_exception(error)))
    return f"the gate failed: {error!r}"
