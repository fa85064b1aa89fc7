"""EventBridge's rules."""

from __future__ import annotations

import json

from ..shapes import shaped
from ..template import Values
from .declare import ResourceType, Work, declare


@declare("AWS::Events::Rule")
class Rule(ResourceType):
    mutable = frozenset({"Description", "EventPattern", "RoleArn", "ScheduleExpression", "State", "Targets"})
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        name = str(properties.get("Name") or work.name())
        self.put(work, name, {}, properties)
        return name

    def put(self, work: Work, name: str, old: Values, new: Values) -> None:
        rest = {key: value for key, value in new.items() if key not in ("Targets", "Name")}
        if isinstance(rest.get("EventPattern"), dict):
            rest["EventPattern"] = json.dumps(rest["EventPattern"])
        work.ask("events", "PutRule", Name=name, **shaped("events", "PutRule", rest))
        work.made(name)
        gone = {one["Id"] for one in old.get("Targets", [])} - {one["Id"] for one in new.get("Targets", [])}
        if gone:
            work.drop("events", "RemoveTargets", Rule=name, Ids=sorted(gone))
        if new.get("Targets"):
            work.ask("events", "PutTargets", **shaped("events", "PutTargets", {"Rule": name, "Targets": new["Targets"]}))

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Arn": work.arn("events", f"rule/{work.id}")}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        self.put(work, work.id, old, properties)

    def delete(self, work: Work, properties: Values) -> None:
        ids = [one["Id"] for one in properties.get("Targets", [])]
        if ids:
            work.drop("events", "RemoveTargets", Rule=work.id, Ids=ids)
        work.drop("events", "DeleteRule", Name=work.id)
