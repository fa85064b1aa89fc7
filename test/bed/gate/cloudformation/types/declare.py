"""How a type of resource is declared: which calls make it, change it and take it away, and what it shows.

`create` returns the physical id (what Ref gives); `attributes` is what Fn::GetAtt gives. A changed property that is
not `mutable` means a new resource in place of the old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import AwsError
from ..calls import Calls
from ..stack import Resource, Stack, random_suffix
from ..template import Values

types: dict[str, ResourceType] = {}


@dataclass
class Work:
    """One resource that is being worked on."""

    calls: Calls
    stack: Stack
    resource: Resource

    def ask(self, service: str, action: str, **input: Any) -> Values:
        return self.calls.ask(service, action, **input)

    def find(self, service: str, action: str, **input: Any) -> Values | None:
        return self.calls.find(service, action, **input)

    def drop(self, service: str, action: str, **input: Any) -> None:
        self.calls.drop(service, action, **input)

    def made(self, id: str) -> str:
        """It exists from now on, so that a failure later in its creation takes it away again."""
        self.resource.physical = id
        return id

    @property
    def id(self) -> str:
        return self.resource.physical

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.calls.region}:{self.calls.account.id}:{rest}"

    def name(self, limit: int = 64, lower: bool = False) -> str:
        """A name as CloudFormation makes one where the template has none."""
        made = f"{self.stack.name[: limit // 2 - 8]}-{self.resource.logical[: limit // 2 - 8]}-{random_suffix()}"
        return made.lower() if lower else made


class ResourceType:
    """Of one type; `mutable` names the properties that change without a replacement, `*` is all."""

    name = ""
    mutable: frozenset[str] = frozenset()
    # Whether it takes tags, and so those of its stack.
    tags = True

    def create(self, work: Work, properties: Values) -> str:
        raise NotImplementedError

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        raise AwsError("NotImplemented", f"the test bed cannot change {self.name}", 501)

    def delete(self, work: Work, properties: Values) -> None:
        raise NotImplementedError

    def attributes(self, work: Work, properties: Values) -> Values:
        return {}

    def snapshot(self, work: Work, properties: Values) -> None:
        """Before its deletion, by a policy of the template."""
        raise AwsError("ValidationError", f"{self.name} has no snapshots", 400)

    def replaced_by(self, changed: set[str]) -> bool:
        return "*" not in self.mutable and bool(changed - self.mutable)


def declare(name: str) -> Any:
    def register(made: type[ResourceType]) -> type[ResourceType]:
        made.name = name
        types[name] = made()
        return made

    return register


def type_of(name: str) -> ResourceType | None:
    if name.startswith("Custom::"):
        return types["AWS::CloudFormation::CustomResource"]
    return types.get(name)


def changed_tags(old: Values, new: Values) -> tuple[Values, list[str]]:
    """What is to be added, as a map, and the keys that are to go."""
    before, after = as_map(old.get("Tags")), as_map(new.get("Tags"))
    return {key: value for key, value in after.items() if before.get(key) != value}, [key for key in before if key not in after]


def as_map(tags: Any) -> Values:
    return {item["Key"]: item["Value"] for item in tags} if isinstance(tags, list) else dict(tags or {})


def as_list(tags: Values) -> list[Values]:
    return [{"Key": key, "Value": str(value)} for key, value in tags.items()]
