"""Lambda: revisions, versions, permissions, paging, limits and network interfaces.

https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.awslambda.models import lambda_backends

from .. import interfaces
from ..errors import AwsError
from ..kinds import plain_function_name
from ..overlays import state_of
from ..registry import guards, invents, repairs

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
RESERVED_VARIABLES = {
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}
CONCURRENCY = 1000
ALWAYS_UNRESERVED = 100


def backend(call: Any) -> Any:
    return lambda_backends[call.account.id][call.region]


def function_of(call: Any, name: str) -> Any:
    try:
        return backend(call).get_function(name)
    except Exception:
        return None


def refused(message: str, code: str = "InvalidParameterValueException", status: int = 400) -> AwsError:
    return AwsError(code, message, status)


@repairs("lambda-configuration-refusals", "lambda", "CreateFunction", "UpdateFunctionConfiguration")
def refuse_configuration(call: Any, proceed: Any) -> dict[str, Any]:
    variables = (call.input.get("Environment") or {}).get("Variables", {})
    reserved = sorted(RESERVED_VARIABLES & set(variables))
    if reserved:
        raise refused(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    size = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
    if size > 4096:
        raise refused(f"Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {size}")
    refuse_network(call)
    return proceed()


def refuse_network(call: Any) -> None:
    network = call.input.get("VpcConfig") or {}
    subnets, groups = network.get("SubnetIds", []), network.get("SecurityGroupIds", [])
    if bool(subnets) != bool(groups):
        raise refused("SubnetIds and SecurityIds must coexist or be both empty list.")
    ec2 = interfaces.backend(call)
    for id in subnets:
        if not any(id in zone for zone in ec2.subnets.values()):
            raise refused(f"Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID '{id}' does not exist")
    for id in groups:
        if ec2.get_security_group_from_id(id) is None:
            raise refused(f"Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security group '{id}' does not exist")


@repairs("lambda-revisions", "lambda", "CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion")
def revise(call: Any, proceed: Any) -> dict[str, Any]:
    name = plain_function_name(call.input["FunctionName"])
    revisions = call.account.remembered(call.region, "revisions")
    given = call.input.get("RevisionId")
    if given and function_of(call, name) is not None and given != revisions.get(name):
        raise refused(
            "The RevisionId provided does not match the latest RevisionId for the Lambda function or alias. "
            "Call the GetFunction or the GetAlias API to retrieve the latest RevisionId for your resource.",
            "PreconditionFailedException",
            412,
        )
    output = proceed({key: value for key, value in call.input.items() if key != "RevisionId"})
    if call.action != "PublishVersion":
        revisions[name] = str(uuid.uuid4())
    published = output.get("Version", "$LATEST") != "$LATEST"
    if published:
        revisions.setdefault(f"{name}:{output['Version']}", str(uuid.uuid4()))
    return with_revision(call, output)


@repairs("lambda-revisions", "lambda", "GetFunction", "GetFunctionConfiguration", "ListFunctions", "ListVersionsByFunction")
def show_revisions(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    if "Configuration" in output:
        output["Configuration"] = with_revision(call, output["Configuration"])
        return output
    for key in ("Functions", "Versions"):
        if key in output:
            output[key] = [with_revision(call, item) for item in output[key]]
            return output
    return with_revision(call, output)


def with_revision(call: Any, item: dict[str, Any]) -> dict[str, Any]:
    revisions = call.account.remembered(call.region, "revisions")
    name, version = item["FunctionName"], item.get("Version", "$LATEST")
    revision = revisions.get(name if version == "$LATEST" else f"{name}:{version}")
    function = function_of(call, name)
    logging = getattr(function, "lambdapg_logging", None) or {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
    return {**item, **({"RevisionId": revision} if revision else {}), "LoggingConfig": logging}


@repairs("lambda-logging-config", "lambda", "CreateFunction", "UpdateFunctionConfiguration")
def keep_logging(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    if "LoggingConfig" in call.input:
        name = output["FunctionName"]
        function_of(call, name).lambdapg_logging = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}", **call.input["LoggingConfig"]}
        output = with_revision(call, output)
    return output


@repairs("lambda-vpc-id", "lambda", "CreateFunction", "GetFunction", "GetFunctionConfiguration", "UpdateFunctionConfiguration", "ListFunctions")
def show_vpc(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    for item in (output.get("Configuration", output), *output.get("Functions", [])):
        config = item.get("VpcConfig") or {}
        if config.get("SubnetIds"):
            # moto says vpc-123abc of every function.
            config["VpcId"] = interfaces.backend(call).get_subnet(config["SubnetIds"][0]).vpc_id
    return output


@repairs("lambda-publish-unchanged", "lambda", "PublishVersion")
def publish(call: Any, proceed: Any) -> dict[str, Any]:
    function = function_of(call, call.input["FunctionName"])
    if function is None:
        return proceed()
    busy(call, function.function_name)
    versions = backend(call)._lambdas._functions[function.function_name]["versions"]
    function.code_or_config_updated = not versions or substance(versions[-1]) != substance(function)
    return proceed()


def substance(function: Any) -> dict[str, Any]:
    left_out = ("Version", "FunctionArn", "LastModified", "State", "LastUpdateStatus", "Description")
    return {key: value for key, value in function.get_configuration().items() if key not in left_out}


def busy(call: Any, name: str) -> None:
    state = state_of(call.account, call.region, "lambda.function", name)
    if state is not None:
        raise refused(
            f"The operation cannot be performed at this time. The function is currently in the following state: {state}",
            "ResourceConflictException",
            409,
        )


@repairs("lambda-list-pages", "lambda", "ListFunctions")
def page(call: Any, proceed: Any) -> dict[str, Any]:
    functions = sorted(proceed({})["Functions"], key=lambda item: item["FunctionName"])
    start, size = int(call.input.get("Marker") or 0), min(call.input.get("MaxItems") or 50, 50)
    end = start + size
    return {"Functions": functions[start:end], **({"NextMarker": str(end)} if end < len(functions) else {})}


@repairs("lambda-permission-twice", "lambda", "AddPermission")
def refuse_same_statement(call: Any, proceed: Any) -> dict[str, Any]:
    function = function_of(call, call.input["FunctionName"])
    sid, qualifier = call.input["StatementId"], call.input.get("Qualifier")
    for statement in function.policy.statements if function is not None else []:
        suffix = statement["Resource"].split(":function:")[-1].partition(":")[2]
        if statement.get("Sid") == sid and suffix == (qualifier or ""):
            raise refused(
                f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement.",
                "ResourceConflictException",
                409,
            )
    return proceed()


@repairs("lambda-reserved-concurrency", "lambda", "PutFunctionConcurrency")
def refuse_reservation(call: Any, proceed: Any) -> dict[str, Any]:
    name = plain_function_name(call.input["FunctionName"])
    others = sum(int(one.reserved_concurrency or 0) for one in backend(call).list_functions() if one.function_name != name)
    if CONCURRENCY - others - call.input["ReservedConcurrentExecutions"] < ALWAYS_UNRESERVED:
        raise refused(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{ALWAYS_UNRESERVED}]."
        )
    return proceed()


@invents("lambda-account-settings", "lambda", "GetAccountSettings")
def account_settings(call: Any) -> dict[str, Any]:
    functions = list(backend(call).list_functions())
    reserved = sum(int(one.reserved_concurrency or 0) for one in functions)
    size = sum(one.code_size for one in functions)
    return {
        "AccountLimit": {
            "TotalCodeSize": 80530636800,
            "CodeSizeUnzipped": 262144000,
            "CodeSizeZipped": 52428800,
            "ConcurrentExecutions": CONCURRENCY,
            "UnreservedConcurrentExecutions": CONCURRENCY - reserved,
        },
        "AccountUsage": {"TotalCodeSize": size, "FunctionCount": len(functions)},
    }


@repairs("lambda-network-interfaces", "lambda", "CreateFunction", "UpdateFunctionConfiguration", "DeleteFunction")
def place_interfaces(call: Any, proceed: Any) -> dict[str, Any]:
    name = plain_function_name(call.input["FunctionName"])
    output = proceed()
    owner = f"function:{name}"
    leaves = call.action == "DeleteFunction" and not call.input.get("Qualifier")
    if leaves or "VpcConfig" in call.input:
        # They outlive their function: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
        interfaces.release(call, owner, call.account.pace_of("lambda.interface"))
    network = call.input.get("VpcConfig") or {}
    if network.get("SubnetIds"):
        description = f"AWS Lambda VPC ENI-{name}-{uuid.uuid4()}"
        interfaces.place(call, owner, network["SubnetIds"], network["SecurityGroupIds"], description, "lambda")
    return output


@guards("lambda-invoke-state", "lambda", "Invoke")
def refuse_invoke(call: Any) -> None:
    name = plain_function_name(call.input["FunctionName"])
    if function_of(call, name) is None:
        raise refused(f"Function not found: arn:aws:lambda:{call.region}:{call.account.id}:function:{name}", "ResourceNotFoundException", 404)
    if state_of(call.account, call.region, "lambda.function", name) == "Pending":
        busy(call, name)
