"""The operations of CloudFormation that show stacks and templates."""

from __future__ import annotations

import json
from typing import Any

from ..registry import invents
from .calls import Calls
from .operations import ROW, get_change_set
from .preparation import body_of
from .sam import MACRO
from .scope import enabled, scope_of
from .stack import Resource, Stack, find_stack, get_stack, stacks_of
from .template import Values, check_references, invalid, parse


def present(**values: Any) -> Values:
    return {key: value for key, value in values.items() if value is not None}


def shown_parameters(template: Values, given: Values) -> list[Values]:
    declared = template.get("Parameters", {})
    hidden = {name for name, one in declared.items() if str(one.get("NoEcho", "")).lower() == "true"}
    return [{"ParameterKey": key, "ParameterValue": "****" if key in hidden else value} for key, value in given.items()]


def shown(stack: Stack) -> Values:
    return present(
        StackId=stack.id, StackName=stack.name, Description=stack.description, CreationTime=stack.created, LastUpdatedTime=stack.updated,
        DeletionTime=stack.deleted, StackStatus=stack.status, StackStatusReason=stack.reason, DisableRollback=not stack.rolls_back,
        Parameters=shown_parameters(stack.template, stack.parameters), Outputs=stack.outputs, Tags=stack.tags,
        Capabilities=stack.capabilities, RoleARN=stack.role, EnableTerminationProtection=stack.protected, NotificationARNs=[],
        RollbackConfiguration={}, DriftInformation={"StackDriftStatus": "NOT_CHECKED"},
    )


@invents(ROW, "cloudformation", "DescribeStacks")
def describe_stacks(call: Any) -> Values:
    name = call.input.get("StackName")
    if name:
        return {"Stacks": [shown(get_stack(call.account, call.region, name))]}
    return {"Stacks": [shown(stack) for stack in stacks_of(call.account, call.region).values() if stack.status != "DELETE_COMPLETE"]}


@invents(ROW, "cloudformation", "ListStacks")
def list_stacks(call: Any) -> Values:
    wanted = call.input.get("StackStatusFilter")
    names = ("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus", "StackStatusReason")
    listed = [shown(stack) for stack in stacks_of(call.account, call.region).values() if not wanted or stack.status in wanted]
    return {"StackSummaries": [{name: one[name] for name in names if name in one} for one in listed]}


def shown_resource(resource: Resource, time: str) -> Values:
    return present(
        LogicalResourceId=resource.logical, PhysicalResourceId=resource.physical or None, ResourceType=resource.kind,
        ResourceStatus=resource.status, ResourceStatusReason=resource.reason, **{time: resource.updated},
    )


@invents(ROW, "cloudformation", "ListStackResources")
def list_resources(call: Any) -> Values:
    stack = get_stack(call.account, call.region, call.input["StackName"])
    return {"StackResourceSummaries": [shown_resource(one, "LastUpdatedTimestamp") for one in stack.resources.values()]}


@invents(ROW, "cloudformation", "DescribeStackResources")
def describe_resources(call: Any) -> Values:
    input = call.input
    if input.get("StackName"):
        stack = get_stack(call.account, call.region, input["StackName"])
    else:
        id = input.get("PhysicalResourceId")
        live = [one for one in stacks_of(call.account, call.region).values() if one.status != "DELETE_COMPLETE"]
        found = next((one for one in live if any(resource.physical == id for resource in one.resources.values())), None)
        if found is None:
            raise invalid(f"Stack for {id} does not exist")
        stack = found
    chosen = [one for one in stack.resources.values() if input.get("LogicalResourceId") in (None, one.logical)]
    return {"StackResources": [{**shown_resource(one, "Timestamp"), "StackName": stack.name, "StackId": stack.id} for one in chosen]}


@invents(ROW, "cloudformation", "DescribeStackResource")
def describe_resource(call: Any) -> Values:
    stack, logical = get_stack(call.account, call.region, call.input["StackName"]), call.input["LogicalResourceId"]
    if logical not in stack.resources:
        raise invalid(f"Resource {logical} does not exist for stack {stack.name}")
    resource = stack.resources[logical]
    metadata = resource.definition.get("Metadata")
    detail = {**shown_resource(resource, "LastUpdatedTimestamp"), "StackName": stack.name, "StackId": stack.id}
    return {"StackResourceDetail": {**detail, **({"Metadata": json.dumps(metadata)} if metadata else {})}}


@invents(ROW, "cloudformation", "DescribeStackEvents")
def describe_events(call: Any) -> Values:
    events = get_stack(call.account, call.region, call.input["StackName"]).events
    start = int(call.input.get("NextToken") or 0)
    return {"StackEvents": events[start : start + 100], **({"NextToken": str(start + 100)} if len(events) > start + 100 else {})}


@invents(ROW, "cloudformation", "DescribeChangeSet")
def describe_change_set(call: Any) -> Values:
    stack, one = get_change_set(call)
    return present(
        ChangeSetName=one.name, ChangeSetId=one.id, StackId=stack.id, StackName=stack.name, Description=one.description, CreationTime=one.created,
        Parameters=shown_parameters(one.template, one.parameters), ExecutionStatus=one.execution, Status=one.status, StatusReason=one.reason,
        NotificationARNs=[], RollbackConfiguration={}, Capabilities=one.capabilities, Tags=one.tags, Changes=one.changes,
        IncludeNestedStacks=False, OnStackFailure=one.on_failure,
    )


@invents(ROW, "cloudformation", "ListChangeSets")
def list_change_sets(call: Any) -> Values:
    stack = get_stack(call.account, call.region, call.input["StackName"])
    listed = [
        present(StackId=stack.id, StackName=stack.name, ChangeSetId=one.id, ChangeSetName=one.name, ExecutionStatus=one.execution, Status=one.status, CreationTime=one.created)
        for one in stack.change_sets.values()
    ]
    return {"Summaries": listed}


@invents(ROW, "cloudformation", "ListExports")
def list_exports(call: Any) -> Values:
    live = [stack for stack in stacks_of(call.account, call.region).values() if stack.status != "DELETE_COMPLETE"]
    exports = [(stack.id, output) for stack in live for output in stack.outputs if "ExportName" in output]
    return {"Exports": [{"ExportingStackId": id, "Name": one["ExportName"], "Value": one["OutputValue"]} for id, one in exports]}


@invents(ROW, "cloudformation", "GetTemplate")
def get_template(call: Any) -> Values:
    if call.input.get("ChangeSetName"):
        change_set = get_change_set(call)[1]
        body, template = change_set.body, change_set.template
    else:
        stack = get_stack(call.account, call.region, call.input["StackName"])
        body, template = stack.body, stack.template
    if not body:
        return {"StagesAvailable": []}
    processed = call.input.get("TemplateStage") == "Processed" and MACRO in body
    return {"TemplateBody": json.dumps(template) if processed else body, "StagesAvailable": ["Original", "Processed"]}


@invents(ROW, "cloudformation", "GetStackPolicy")
def get_policy(call: Any) -> Values:
    return present(StackPolicyBody=get_stack(call.account, call.region, call.input["StackName"]).policy)


@invents(ROW, "cloudformation", "GetTemplateSummary", "ValidateTemplate")
def summarize(call: Any) -> Values:
    stack = find_stack(call.account, call.region, call.input.get("StackName") or "")
    template = parse(stack.body if stack is not None else body_of(call, None))
    if "Transform" not in template:
        check_references(template)
    kinds = {one["Type"] for one in template["Resources"].values()}
    iam = any(kind.startswith("AWS::IAM::") for kind in kinds)
    macros = [template["Transform"]] if isinstance(template.get("Transform"), str) else template.get("Transform", [])
    common = present(
        Description=template.get("Description"), DeclaredTransforms=macros, Capabilities=["CAPABILITY_NAMED_IAM"] if iam else [],
        CapabilitiesReason="The following resource(s) require capabilities: [AWS::IAM]" if iam else None,
    )
    declared = template.get("Parameters", {})
    if call.action == "ValidateTemplate":
        shape = [present(ParameterKey=name, DefaultValue=text(one.get("Default")), NoEcho=bool(one.get("NoEcho")), Description=one.get("Description")) for name, one in declared.items()]
        return {**common, "Parameters": shape}
    parameters = [
        present(ParameterKey=name, DefaultValue=text(one.get("Default")), ParameterType=one["Type"], NoEcho=bool(one.get("NoEcho")), Description=one.get("Description"))
        for name, one in declared.items()
    ]
    return {**common, "Parameters": parameters, "ResourceTypes": sorted(kinds), "Version": "2010-09-09"}


def template_resources(account: Any, region: str, name: str) -> Values:
    """Of a stack's template after its macros: the type of each resource whose condition holds."""
    stack = get_stack(account, region, name)
    scope = scope_of(Calls(account, region, f"AKIA{account.id}CONTROL"), stack, stack.template, stack.parameters, stack.resources)
    return {name: one["Type"] for name, one in stack.template["Resources"].items() if name in enabled(stack.template, scope)}


def failures(account: Any, region: str) -> list[str]:
    """What failed in any of the account's stacks, the first first."""
    events = [event for stack in stacks_of(account, region).values() for event in reversed(stack.events)]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return [f"{one['LogicalResourceId']} {one['ResourceStatus']}: {one.get('ResourceStatusReason', '')}" for one in failed]


def text(value: Any) -> str | None:
    return None if value is None else str(value)
