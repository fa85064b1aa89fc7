"""Lambda: revisions and routing of aliases, provisioned concurrency of versions.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

from ..errors import AwsError
from ..kinds import plain_function_name
from ..registry import invents, repairs
from .functions import backend, function_of, refused

STALE = (
    "The RevisionId provided does not match the latest RevisionId for the Lambda function or alias. "
    "Call the GetFunction or the GetAlias API to retrieve the latest RevisionId for your resource."
)


@repairs("lambda-alias-revisions", "lambda", "UpdateAlias")
def update_alias(call: Any, proceed: Any) -> dict[str, Any]:
    name, alias_name = plain_function_name(call.input["FunctionName"]), call.input["Name"]
    try:
        alias = backend(call).get_alias(alias_name, name)
    except Exception:
        return proceed()
    given = call.input.get("RevisionId")
    if given and given != alias.revision_id:
        raise refused(STALE, "PreconditionFailedException", 412)
    refuse_routing(call, name, alias)
    output = proceed({key: value for key, value in call.input.items() if key != "RevisionId"})
    alias.revision_id = str(uuid.uuid4())
    return {**output, "RevisionId": alias.revision_id}


def refuse_routing(call: Any, name: str, alias: Any) -> None:
    if "RoutingConfig" not in call.input:
        return
    weights = call.input["RoutingConfig"].get("AdditionalVersionWeights", {})
    if f"{name}:{alias.name}" in provisioned(call):
        raise refused("Invalid alias configuration for Provisioned Concurrency")
    version = call.input.get("FunctionVersion") or alias.function_version
    for added in weights:
        if version == "$LATEST":
            raise refused("$LATEST is not supported for an alias pointing to more than 1 version")
        if added == version:
            raise refused(f"Alias primary version can not be part of the additional version weights: {added}")
        if function_of_version(call, name, added) is None:
            raise refused(f"Function not found: {name}:{added}", "ResourceNotFoundException", 404)


def function_of_version(call: Any, name: str, version: str) -> Any:
    try:
        return backend(call).get_function(name, version)
    except Exception:
        return None


def provisioned(call: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = call.account.remembered(call.region, "provisioned")
    return found


def key_of(call: Any) -> str:
    name, qualifier = plain_function_name(call.input["FunctionName"]), call.input["Qualifier"]
    if function_of(call, name) is None or (function_of_version(call, name, qualifier) is None):
        raise refused(f"Function not found: {name}:{qualifier}", "ResourceNotFoundException", 404)
    return f"{name}:{qualifier}"


@invents("lambda-provisioned-concurrency", "lambda", "PutProvisionedConcurrencyConfig")
def put_provisioned(call: Any) -> dict[str, Any]:
    key = key_of(call)
    name, qualifier = key.split(":")
    if qualifier == "$LATEST":
        raise refused("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    if not qualifier.isdigit() and backend(call).get_alias(qualifier, name).routing_config:
        raise refused("Alias with weights can not be used with Provisioned Concurrency")
    wanted = call.input["ProvisionedConcurrentExecutions"]
    provisioned(call)[key] = {"wanted": wanted, "reads": call.account.pace_of("lambda.function"), "at": datetime.now(timezone.utc).isoformat()}
    return shown(provisioned(call)[key])


@invents("lambda-provisioned-concurrency", "lambda", "GetProvisionedConcurrencyConfig")
def get_provisioned(call: Any) -> dict[str, Any]:
    found = provisioned(call).get(key_of(call))
    if found is None:
        raise AwsError("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function", 404)
    output = shown(found)
    found["reads"] = max(0, found["reads"] - 1)
    return output


@invents("lambda-provisioned-concurrency", "lambda", "DeleteProvisionedConcurrencyConfig")
def delete_provisioned(call: Any) -> dict[str, Any]:
    provisioned(call).pop(key_of(call), None)
    return {}


@invents("lambda-provisioned-concurrency", "lambda", "ListProvisionedConcurrencyConfigs")
def list_provisioned(call: Any) -> dict[str, Any]:
    name = plain_function_name(call.input["FunctionName"])
    function = function_of(call, name)
    if function is None:
        raise refused(f"Function not found: {name}", "ResourceNotFoundException", 404)
    arn = function.function_arn
    configs = [
        {"FunctionArn": f"{arn}:{key.split(':')[1]}", **shown(found)}
        for key, found in provisioned(call).items()
        if key.startswith(f"{name}:")
    ]
    return {"ProvisionedConcurrencyConfigs": configs}


def shown(found: dict[str, Any]) -> dict[str, Any]:
    ready = found["reads"] <= 0
    return {
        "RequestedProvisionedConcurrentExecutions": found["wanted"],
        "AllocatedProvisionedConcurrentExecutions": found["wanted"] if ready else 0,
        "AvailableProvisionedConcurrentExecutions": found["wanted"] if ready else 0,
        "Status": "READY" if ready else "IN_PROGRESS",
        "LastModified": found["at"],
    }
