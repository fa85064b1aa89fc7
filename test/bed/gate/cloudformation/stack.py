"""What CloudFormation remembers: stacks, their resources, events and change sets."""

from __future__ import annotations

import datetime
import secrets
import string
import uuid
from dataclasses import dataclass, field
from typing import Any

from ..account import Account
from .template import Values, invalid


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def random_suffix(length: int = 12) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


@dataclass
class Resource:
    logical: str
    kind: str
    definition: Values
    # Evaluated, dynamic references as they stand in the template.
    properties: Values = field(default_factory=dict)
    physical: str = ""
    attributes: Values = field(default_factory=dict)
    status: str = "CREATE_IN_PROGRESS"
    reason: str | None = None
    updated: datetime.datetime = field(default_factory=now)
    # What it stands on, for the order of deletion.
    needs: set[str] = field(default_factory=set)
    metadata: Any = None


@dataclass
class ChangeSet:
    name: str
    id: str
    kind: str
    body: str
    template: Values
    parameters: Values
    tags: list[Values]
    capabilities: list[str]
    role: str | None
    description: str | None
    status: str = "CREATE_COMPLETE"
    execution: str = "AVAILABLE"
    reason: str | None = None
    changes: list[Values] = field(default_factory=list)
    on_failure: str | None = None
    created: datetime.datetime = field(default_factory=now)


class Stack:
    def __init__(self, account: Account, region: str, name: str) -> None:
        self.account = account
        self.region = region
        self.name = name
        self.id = f"arn:aws:cloudformation:{region}:{account.id}:stack/{name}/{uuid.uuid4()}"
        self.status = "REVIEW_IN_PROGRESS"
        self.reason: str | None = None
        self.created = now()
        self.updated: datetime.datetime | None = None
        self.deleted: datetime.datetime | None = None
        self.body = ""
        self.template: Values = {"Resources": {}}
        self.parameters: Values = {}
        self.values: Values = {}
        self.tags: list[Values] = []
        self.capabilities: list[str] = []
        self.role: str | None = None
        self.description: str | None = None
        self.outputs: list[Values] = []
        self.resources: dict[str, Resource] = {}
        self.events: list[Values] = []
        self.change_sets: dict[str, ChangeSet] = {}
        self.protected = False
        self.rolls_back = True
        self.policy: str | None = None

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def move(self, status: str, reason: str | None = None) -> None:
        # The model of events does not name these states.
        if not status.endswith("_CLEANUP_IN_PROGRESS"):
            self.tell(self.name, self.id, "AWS::CloudFormation::Stack", status, reason)
        self.status, self.reason = status, reason

    def mark(self, resource: Resource, status: str, reason: str | None = None) -> None:
        resource.status, resource.reason, resource.updated = status, reason, now()
        self.tell(resource.logical, resource.physical, resource.kind, status, reason)

    def tell(self, logical: str, physical: str, kind: str, status: str, reason: str | None) -> None:
        event = {
            "StackId": self.id, "EventId": f"{logical}-{status}-{uuid.uuid4()}", "StackName": self.name,
            "LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceType": kind,
            "Timestamp": now(), "ResourceStatus": status,
        }
        self.events.insert(0, {**event, **({"ResourceStatusReason": reason} if reason else {})})


def stacks_of(account: Account, region: str) -> dict[str, Stack]:
    """By id, deleted ones too."""
    return account.remembered(region, "cloudformation")


def find_stack(account: Account, region: str, name: str) -> Stack | None:
    """By name, if it is not deleted; by id in any case."""
    stacks = stacks_of(account, region)
    if name in stacks:
        return stacks[name]
    return next((stack for stack in stacks.values() if stack.name == name and stack.status != "DELETE_COMPLETE"), None)


def get_stack(account: Account, region: str, name: str) -> Stack:
    stack = find_stack(account, region, name)
    if stack is None:
        raise invalid(f"Stack with id {name} does not exist")
    return stack


def exports_of(account: Account, region: str) -> Values:
    live = [stack for stack in stacks_of(account, region).values() if stack.status != "DELETE_COMPLETE"]
    return {output["ExportName"]: output["OutputValue"] for stack in live for output in stack.outputs if "ExportName" in output}
