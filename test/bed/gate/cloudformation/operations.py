"""The operations of CloudFormation that change stacks. A deployment goes on in a thread of its own.

Its caller is answered as soon as the stack is done, or after some seconds: the tools' waiters, which sleep up to half a
minute between two looks, then find it done at their first.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable
from typing import Any

from ..errors import AwsError
from ..registry import invents
from .calls import Calls
from .deployment import Deployment
from .preparation import changes_of, outputs_differ, prepared
from .removal import delete_stack
from .stack import ChangeSet, Stack, find_stack, get_stack, stacks_of
from .template import Values, invalid

ROW = "cloudformation-stacks"
WAIT_SECONDS = 20


def calls_of(call: Any) -> Calls:
    return Calls(call.account, call.region, call.access_key)


def start(call: Any, work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    call.afterwards.append(lambda: thread.join(WAIT_SECONDS))


def new_stack(call: Any, name: str) -> Stack:
    if not re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", name):
        raise invalid(f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*")
    stack = Stack(call.account, call.region, name)
    stacks_of(call.account, call.region)[stack.id] = stack
    return stack


def refuse_busy(stack: Stack, what: str) -> None:
    """What a stack in its state does not take."""
    dead = stack.status in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED")
    if stack.busy or dead:
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be {what}.")


def deploy(call: Any, stack: Stack, template: Values, body: str, given: Values, tags: list[Values]) -> None:
    creates = stack.status == "REVIEW_IN_PROGRESS"
    begin = "CREATE" if creates else "UPDATE"
    stack.description = template.get("Description")
    stack.move(f"{begin}_IN_PROGRESS", "User Initiated")
    if creates:
        stack.parameters, stack.tags, stack.body, stack.template = given, tags, body, template
    deployment = Deployment(calls_of(call), stack, template, body, given, tags)
    start(call, lambda: deployment.run(f"{begin}_COMPLETE"))


@invents(ROW, "cloudformation", "CreateStack")
def create_stack(call: Any) -> Values:
    input, name = call.input, call.input["StackName"]
    if find_stack(call.account, call.region, name) is not None:
        raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists", 400)
    body, template, given = prepared(call, None)
    stack = new_stack(call, name)
    stack.rolls_back = not input.get("DisableRollback") and input.get("OnFailure") != "DO_NOTHING"
    stack.capabilities, stack.role = input.get("Capabilities", []), input.get("RoleARN")
    stack.protected = bool(input.get("EnableTerminationProtection"))
    deploy(call, stack, template, body, given, input.get("Tags", []))
    return {"StackId": stack.id}


@invents(ROW, "cloudformation", "UpdateStack")
def update_stack(call: Any) -> Values:
    stack = get_stack(call.account, call.region, call.input["StackName"])
    refuse_busy(stack, "updated")
    body, template, given = prepared(call, stack)
    tags = call.input.get("Tags", stack.tags)
    if not changes_of(calls_of(call), stack, template, given, tags) and not outputs_differ(stack, template):
        raise invalid("No updates are to be performed.")
    stack.capabilities = call.input.get("Capabilities", [])
    deploy(call, stack, template, body, given, tags)
    return {"StackId": stack.id}


@invents(ROW, "cloudformation", "DeleteStack")
def delete(call: Any) -> Values:
    stack = find_stack(call.account, call.region, call.input["StackName"])
    if stack is None or stack.status == "DELETE_COMPLETE" or stack.status == "DELETE_IN_PROGRESS":
        return {}
    if stack.protected:
        raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    if stack.busy:
        raise invalid(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
    stack.move("DELETE_IN_PROGRESS", "User Initiated")
    retained = call.input.get("RetainResources", [])
    start(call, lambda: delete_stack(calls_of(call), stack, retained))
    return {}


@invents(ROW, "cloudformation", "CreateChangeSet")
def create_change_set(call: Any) -> Values:
    input, kind = call.input, call.input.get("ChangeSetType", "UPDATE")
    stack = find_stack(call.account, call.region, input["StackName"])
    if kind == "UPDATE" and stack is None:
        raise invalid(f"Stack [{input['StackName']}] does not exist")
    if kind == "CREATE" and stack is not None and stack.status != "REVIEW_IN_PROGRESS":
        raise invalid(f"Stack [{stack.name}] already exists and cannot be created again with the changeSet [{input['ChangeSetName']}].")
    if kind == "UPDATE" and stack is not None:
        refuse_busy(stack, "updated")
    body, template, given = prepared(call, stack)
    if stack is None:
        stack = new_stack(call, input["StackName"])
    tags = input.get("Tags", stack.tags)
    id = f"arn:aws:cloudformation:{call.region}:{call.account.id}:changeSet/{input['ChangeSetName']}/{uuid.uuid4()}"
    made = ChangeSet(
        input["ChangeSetName"], id, kind, body, template, given, tags, input.get("Capabilities", []), input.get("RoleARN"),
        input.get("Description"), on_failure=input.get("OnStackFailure"),
    )
    made.changes = changes_of(calls_of(call), stack, template, given, tags)
    if kind == "UPDATE" and not made.changes and not outputs_differ(stack, template):
        made.status, made.execution = "FAILED", "UNAVAILABLE"
        made.reason = "The submitted information didn't contain changes. Submit different information to create a change set."
    stack.change_sets[made.name] = made
    return {"Id": id, "StackId": stack.id}


def find_change_set(call: Any) -> tuple[Stack, ChangeSet] | None:
    name = call.input["ChangeSetName"]
    if call.input.get("StackName"):
        stacks = [get_stack(call.account, call.region, call.input["StackName"])]
    else:
        stacks = list(stacks_of(call.account, call.region).values())
    return next(((stack, one) for stack in stacks for one in stack.change_sets.values() if name in (one.name, one.id)), None)


def get_change_set(call: Any) -> tuple[Stack, ChangeSet]:
    found = find_change_set(call)
    if found is None:
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{call.input['ChangeSetName']}] does not exist", 404)
    return found


@invents(ROW, "cloudformation", "ExecuteChangeSet")
def execute_change_set(call: Any) -> Values:
    stack, change_set = get_change_set(call)
    if change_set.execution != "AVAILABLE":
        raise AwsError("InvalidChangeSetStatus", f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]", 400)
    if stack.status != "REVIEW_IN_PROGRESS":
        refuse_busy(stack, "updated")
    stack.change_sets.clear()
    stack.rolls_back = not call.input.get("DisableRollback") and change_set.on_failure != "DO_NOTHING"
    stack.capabilities, stack.role = change_set.capabilities, change_set.role
    deploy(call, stack, change_set.template, change_set.body, change_set.parameters, change_set.tags)
    return {}


@invents(ROW, "cloudformation", "DeleteChangeSet")
def delete_change_set(call: Any) -> Values:
    found = find_change_set(call)
    if found is not None:
        del found[0].change_sets[found[1].name]
    return {}


@invents(ROW, "cloudformation", "UpdateTerminationProtection")
def protect(call: Any) -> Values:
    stack = get_stack(call.account, call.region, call.input["StackName"])
    stack.protected = call.input["EnableTerminationProtection"]
    return {"StackId": stack.id}


@invents(ROW, "cloudformation", "SetStackPolicy")
def set_policy(call: Any) -> Values:
    get_stack(call.account, call.region, call.input["StackName"]).policy = call.input.get("StackPolicyBody")
    return {}


@invents(
    ROW, "cloudformation", "CancelUpdateStack", "ContinueUpdateRollback", "DescribeEvents", "DescribeStackDriftDetectionStatus",
    "DescribeStackResourceDrifts", "DetectStackDrift", "DetectStackResourceDrift", "EstimateTemplateCost", "ListImports",
    "RollbackStack", "SignalResource",
)
def unknown(call: Any) -> Values:
    """moto would answer of stacks that it does not have."""
    raise AwsError("NotImplemented", f"the test bed cannot answer cloudformation:{call.action}", 501)
