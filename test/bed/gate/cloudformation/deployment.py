"""A stack from one template to the next: creates, changes and replaces in order, then takes away; or goes all the way back."""

from __future__ import annotations

import copy

from ..errors import AwsError
from .calls import Calls
from .intrinsics import Scope
from .removal import Failed, deletion_order, dynamic_or_not, take_away, told
from .scope import dynamic, enabled, scope_of
from .stack import Resource, Stack, now
from .template import Values, needs, order
from .types import ResourceType, Work, type_of
from .types.declare import as_list, as_map


class Deployment:
    """`run` moves the stack through its states; nothing escapes from it."""

    def __init__(self, calls: Calls, stack: Stack, template: Values, body: str, given: Values, tags: list[Values]) -> None:
        self.calls = calls
        self.stack = stack
        self.template = template
        self.body = body
        self.given = given
        self.tags = tags
        self.creates = not stack.resources and stack.status in ("REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS")
        # How to get back: what was made, and what was as it was before.
        self.made: list[Resource] = []
        self.changed: list[tuple[Resource, Values, Values]] = []
        self.replaced: dict[str, Resource] = {}

    def run(self, done: str) -> None:
        stack = self.stack
        try:
            scope = scope_of(self.calls, stack, self.template, self.given, stack.resources)
            names = enabled(self.template, scope)
            for name in order(self.template, names):
                self.settle(name, scope)
            outputs = self.outputs(scope)
        except Exception as error:
            self.go_back(told(stack, error))
            return
        stack.outputs, stack.template, stack.body = outputs, self.template, self.body
        stack.parameters, stack.tags = self.given, self.tags
        if not self.creates:
            stack.move(f"{done}_CLEANUP_IN_PROGRESS")
        self.clean_up(names)
        stack.updated = None if self.creates else now()
        stack.move(done)

    def settle(self, name: str, scope: Scope) -> None:
        """One resource as the template wants it."""
        definition = self.template["Resources"][name]
        kind = definition["Type"]
        standing = self.stack.resources.get(name)
        if standing is not None and standing.kind == kind:
            self.change(standing, definition, scope)
            return
        if standing is not None:
            self.replaced[name] = standing
        self.create(name, definition, scope)

    def create(self, name: str, definition: Values, scope: Scope) -> None:
        stack, kind = self.stack, type_of(definition["Type"])
        resource = Resource(name, definition["Type"], definition, needs=needs(self.template, name))
        self.made.append(resource)
        stack.resources[name] = resource
        stack.mark(resource, "CREATE_IN_PROGRESS")
        try:
            if kind is None:
                raise AwsError("NotImplemented", f"the test bed's CloudFormation does not know the type {resource.kind}", 501)
            resource.properties = evaluated(definition, scope, self.tags)
            work = Work(self.calls, stack, resource)
            properties = dynamic(self.calls, resource.properties)
            resource.physical = kind.create(work, properties)
            stack.mark(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")
            resource.attributes = kind.attributes(work, properties)
        except Exception as error:
            self.fail(resource, "CREATE_FAILED", error)
        stack.mark(resource, "CREATE_COMPLETE")

    def change(self, resource: Resource, definition: Values, scope: Scope) -> None:
        stack, kind = self.stack, type_of(definition["Type"])
        assert kind is not None
        properties = evaluated(definition, scope, self.tags)
        changed = differing(resource.properties, properties)
        resource.needs = needs(self.template, resource.logical)
        if not changed:
            resource.definition = definition
            return
        if kind.replaced_by(changed):
            self.replaced[resource.logical] = resource
            stack.mark(resource, "UPDATE_IN_PROGRESS", "Requested update requires the creation of a new physical resource; hence creating one.")
            self.create(resource.logical, definition, scope)
            return
        stack.mark(resource, "UPDATE_IN_PROGRESS")
        self.changed.append((resource, resource.properties, resource.definition))
        try:
            self.apply(kind, resource, properties, changed)
        except Exception as error:
            self.fail(resource, "UPDATE_FAILED", error)
        resource.definition = definition
        stack.mark(resource, "UPDATE_COMPLETE")

    def apply(self, kind: ResourceType, resource: Resource, properties: Values, changed: set[str]) -> None:
        old, resource.properties = resource.properties, properties
        work, wanted = Work(self.calls, self.stack, resource), dynamic(self.calls, properties)
        kind.update(work, wanted, dynamic_or_not(self.calls, old), changed)
        resource.attributes = kind.attributes(work, wanted)

    def fail(self, resource: Resource, status: str, error: Exception) -> None:
        reason = told(self.stack, error)
        self.stack.mark(resource, status, reason)
        raise Failed(f"The following resource(s) failed to {'create' if status.startswith('CREATE') else 'update'}: [{resource.logical}]. ") from error

    def outputs(self, scope: Scope) -> list[Values]:
        outputs = []
        for name, one in self.template.get("Outputs", {}).items():
            if "Condition" in one and not scope.holds(one["Condition"]):
                continue
            output = {"OutputKey": name, "OutputValue": str(scope.value(one["Value"]))}
            if "Description" in one:
                output["Description"] = one["Description"]
            if "Export" in one:
                output["ExportName"] = scope.value(one["Export"]["Name"])
            outputs.append(output)
        return outputs

    def clean_up(self, names: set[str]) -> None:
        """What was replaced, and what the template no longer has. A failure here leaves the resource alone, and the stack complete."""
        gone = {name: one for name, one in self.stack.resources.items() if name not in names}
        for resource in [*deletion_order(self.replaced), *deletion_order(gone)]:
            if resource.logical in gone and gone[resource.logical] is resource:
                policy = resource.definition.get("DeletionPolicy")
                del self.stack.resources[resource.logical]
            else:
                policy = resource.definition.get("UpdateReplacePolicy")
            try:
                take_away(self.calls, self.stack, resource, policy)
            except Exception as error:
                self.stack.mark(resource, "DELETE_FAILED", told(self.stack, error))

    def go_back(self, reason: str) -> None:
        stack = self.stack
        if self.creates and not stack.rolls_back:
            stack.move("CREATE_FAILED", reason)
            return
        prefix = "ROLLBACK" if self.creates else "UPDATE_ROLLBACK"
        stack.move(f"{prefix}_IN_PROGRESS", f"{reason}Rollback requested by user." if self.creates else reason)
        failed = False
        # As any update: what something depends on goes first.
        for resource, properties, definition in self.changed:
            failed |= not self.restore(resource, properties, definition)
        for resource in deletion_order({str(at): one for at, one in enumerate(self.made)}):
            failed |= not self.unmake(resource)
        if not self.creates and not failed:
            stack.move(f"{prefix}_COMPLETE_CLEANUP_IN_PROGRESS")
        stack.move(f"{prefix}_{'FAILED' if failed else 'COMPLETE'}")

    def restore(self, resource: Resource, properties: Values, definition: Values) -> bool:
        kind = type_of(resource.kind)
        assert kind is not None
        try:
            self.stack.mark(resource, "UPDATE_IN_PROGRESS")
            self.apply(kind, resource, properties, differing(resource.properties, properties))
        except Exception as error:
            self.stack.mark(resource, "UPDATE_FAILED", told(self.stack, error))
            return False
        resource.definition = definition
        self.stack.mark(resource, "UPDATE_COMPLETE")
        return True

    def unmake(self, resource: Resource) -> bool:
        before = self.replaced.get(resource.logical)
        try:
            keeps = resource.definition.get("DeletionPolicy") == "Retain"
            take_away(self.calls, self.stack, resource, "Retain" if keeps else "Delete")
        except Exception as error:
            self.stack.mark(resource, "DELETE_FAILED", told(self.stack, error))
            return False
        if before is not None:
            self.stack.resources[resource.logical] = before
        elif not self.creates:
            self.stack.resources.pop(resource.logical, None)
        return True


def evaluated(definition: Values, scope: Scope, tags: list[Values]) -> Values:
    """The properties of a resource, with the stack's tags where it takes tags."""
    properties = dict(scope.value(copy.deepcopy(definition.get("Properties", {}))))
    kind = type_of(definition["Type"])
    if tags and kind is not None and kind.tags:
        own = properties.get("Tags")
        merged = {**as_map(tags), **as_map(own)}
        properties["Tags"] = merged if isinstance(own, dict) else as_list(merged)
    return properties


def differing(old: Values, new: Values) -> set[str]:
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
