"""The kinds of resources that pass through states, or whose changes are seen late: where reads and changes name them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """`items`: the output's list of them, None when the output is the item. `by`: the input member that names one."""

    items: str | None = None
    by: str | None = None
    # The one item is a member of the output.
    member: str | None = None


@dataclass(frozen=True)
class Change:
    """`id` finds the resource in input and output; `state` is what it shows for a while afterwards."""

    id: Callable[[Values, Values], str | None]
    state: str | None = None
    removes: bool = False


@dataclass(frozen=True)
class Kind:
    name: str
    service: str
    id_key: str
    reads: dict[str, Read]
    changes: dict[str, Change]
    missing: tuple[str, str, int]
    # Writes a state on an item; None for kinds without states.
    show: Callable[[Values, str], Values] | None = None
    # Error of a change while another state is on: (code, message), or None when AWS allows it.
    busy: tuple[str, str] | None = None
    # States during which changes other than a removal are refused.
    blocking: frozenset[str] = field(default_factory=frozenset)


def given(*path: str) -> Callable[[Values, Values], str | None]:
    """The id is in the input."""

    def find(input: Values, _output: Values) -> str | None:
        value: Any = input
        for key in path:
            value = (value or {}).get(key) if isinstance(value, dict) else None
        if isinstance(value, list):
            value = value[0] if value else None
        return value

    return find


def returned(*path: str) -> Callable[[Values, Values], str | None]:
    find = given(*path)
    return lambda _input, output: find(output, {})


def function_name(input: Values, _output: Values) -> str | None:
    name = input.get("FunctionName")
    return plain_function_name(name) if name else None


def plain_function_name(name: str) -> str:
    match = re.search(r"(?:^|function:)([^:]+)(?::[^:]+)?$", name)
    return match[1] if match else name


def status(key: str, *hidden: str) -> Callable[[Values, str], Values]:
    def show(item: Values, state: str) -> Values:
        shown = {**item, key: state}
        if state == "creating":
            for name in hidden:
                shown.pop(name, None)
        return shown

    return show


def show_function(item: Values, state: str) -> Values:
    if "FunctionName" not in item or item.get("Version", "$LATEST") != "$LATEST":
        return item
    if state == "Pending":
        item = {**item, "State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
        item.pop("LastUpdateStatus", None)
        return item
    return {**item, "LastUpdateStatus": "InProgress", "LastUpdateStatusReason": "The function is being created."}


INSTANCE = given("DBInstanceIdentifier")
CLUSTER = given("DBClusterIdentifier")
PROXY = given("DBProxyName")
ENDPOINT = given("DBProxyEndpointName")

KINDS = [
    Kind(
        "rds.instance", "rds", "DBInstanceIdentifier",
        {"DescribeDBInstances": Read("DBInstances", "DBInstanceIdentifier")},
        {
            "CreateDBInstance": Change(INSTANCE, "creating"),
            "CreateDBInstanceReadReplica": Change(INSTANCE, "creating"),
            "RestoreDBInstanceFromDBSnapshot": Change(INSTANCE, "creating"),
            "ModifyDBInstance": Change(INSTANCE, "modifying"),
            "RebootDBInstance": Change(INSTANCE, "rebooting"),
            "StartDBInstance": Change(INSTANCE, "starting"),
            "StopDBInstance": Change(INSTANCE, "stopping"),
            "DeleteDBInstance": Change(INSTANCE, "deleting", removes=True),
        },
        ("DBInstanceNotFound", "DBInstance {id} not found.", 404),
        status("DBInstanceStatus", "Endpoint"),
        ("InvalidDBInstanceState", "Instance {id} is not in available state: it is {state}."),
        frozenset({"creating", "modifying", "rebooting", "starting", "stopping", "deleting"}),
    ),
    Kind(
        "rds.cluster", "rds", "DBClusterIdentifier",
        {"DescribeDBClusters": Read("DBClusters", "DBClusterIdentifier")},
        {
            "CreateDBCluster": Change(CLUSTER, "creating"),
            "ModifyDBCluster": Change(CLUSTER, "modifying"),
            "StartDBCluster": Change(CLUSTER, "starting"),
            "StopDBCluster": Change(CLUSTER, "stopping"),
            "DeleteDBCluster": Change(CLUSTER, "deleting", removes=True),
        },
        ("DBClusterNotFoundFault", "DBCluster {id} not found.", 404),
        status("Status"),
        ("InvalidDBClusterStateFault", "The DB cluster {id} is not in the available state: it is {state}."),
        frozenset({"creating", "modifying", "starting", "stopping", "deleting"}),
    ),
    Kind(
        "rds.proxy", "rds", "DBProxyName",
        {"DescribeDBProxies": Read("DBProxies", "DBProxyName")},
        {
            "CreateDBProxy": Change(PROXY, "creating"),
            "ModifyDBProxy": Change(PROXY, "modifying"),
            "DeleteDBProxy": Change(PROXY, "deleting", removes=True),
        },
        ("DBProxyNotFoundFault", "DB proxy {id} not found.", 404),
        status("Status"),
        ("InvalidDBProxyStateFault", "DB proxy {id} is in an invalid state: {state}"),
        frozenset({"creating", "modifying", "deleting"}),
    ),
    Kind(
        "rds.proxyEndpoint", "rds", "DBProxyEndpointName",
        {"DescribeDBProxyEndpoints": Read("DBProxyEndpoints", "DBProxyEndpointName")},
        {
            "CreateDBProxyEndpoint": Change(ENDPOINT, "creating"),
            "ModifyDBProxyEndpoint": Change(ENDPOINT, "modifying"),
            "DeleteDBProxyEndpoint": Change(ENDPOINT, "deleting", removes=True),
        },
        ("DBProxyEndpointNotFoundFault", "DB proxy endpoint {id} not found.", 404),
        status("Status"),
        ("InvalidDBProxyEndpointStateFault", "DB proxy endpoint {id} is in an invalid state: {state}"),
        frozenset({"creating", "modifying", "deleting"}),
    ),
    Kind(
        "rds.subnetGroup", "rds", "DBSubnetGroupName",
        {"DescribeDBSubnetGroups": Read("DBSubnetGroups", "DBSubnetGroupName")},
        {
            "CreateDBSubnetGroup": Change(given("DBSubnetGroupName")),
            "ModifyDBSubnetGroup": Change(given("DBSubnetGroupName")),
            "DeleteDBSubnetGroup": Change(given("DBSubnetGroupName"), removes=True),
        },
        ("DBSubnetGroupNotFoundFault", "DB subnet group '{id}' does not exist.", 404),
    ),
    Kind(
        "ec2.natGateway", "ec2", "NatGatewayId",
        {"DescribeNatGateways": Read("NatGateways", "NatGatewayIds")},
        {
            "CreateNatGateway": Change(returned("NatGateway", "NatGatewayId"), "pending"),
            "DeleteNatGateway": Change(given("NatGatewayId"), "deleting"),
        },
        ("NatGatewayNotFound", "The Nat Gateway {id} was not found", 400),
        status("State"),
    ),
    Kind(
        "ec2.vpcEndpoint", "ec2", "VpcEndpointId",
        {"DescribeVpcEndpoints": Read("VpcEndpoints", "VpcEndpointIds")},
        {
            "CreateVpcEndpoint": Change(returned("VpcEndpoint", "VpcEndpointId"), "pending"),
            "DeleteVpcEndpoints": Change(given("VpcEndpointIds"), "deleting"),
        },
        ("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '{id}' does not exist", 400),
        status("State"),
    ),
    Kind(
        "ec2.vpc", "ec2", "VpcId",
        {"DescribeVpcs": Read("Vpcs", "VpcIds")},
        {"CreateVpc": Change(returned("Vpc", "VpcId")), "DeleteVpc": Change(given("VpcId"), removes=True)},
        ("InvalidVpcID.NotFound", "The vpc ID '{id}' does not exist", 400),
    ),
    Kind(
        "ec2.subnet", "ec2", "SubnetId",
        {"DescribeSubnets": Read("Subnets", "SubnetIds")},
        {"CreateSubnet": Change(returned("Subnet", "SubnetId")), "DeleteSubnet": Change(given("SubnetId"), removes=True)},
        ("InvalidSubnetID.NotFound", "The subnet ID '{id}' does not exist", 400),
    ),
    Kind(
        "ec2.securityGroup", "ec2", "GroupId",
        {"DescribeSecurityGroups": Read("SecurityGroups", "GroupIds")},
        {
            "CreateSecurityGroup": Change(returned("GroupId")),
            "DeleteSecurityGroup": Change(given("GroupId"), removes=True),
        },
        ("InvalidGroup.NotFound", "The security group '{id}' does not exist", 400),
    ),
    Kind(
        "lambda.function", "lambda", "FunctionName",
        {
            "GetFunction": Read(by="FunctionName", member="Configuration"),
            "GetFunctionConfiguration": Read(by="FunctionName"),
            "ListFunctions": Read("Functions"),
        },
        {
            "CreateFunction": Change(function_name, "Pending"),
            "UpdateFunctionCode": Change(function_name, "InProgress"),
            "UpdateFunctionConfiguration": Change(function_name, "InProgress"),
            "DeleteFunction": Change(function_name, removes=True),
        },
        ("ResourceNotFoundException", "Function not found: {id}", 404),
        show_function,
        (
            "ResourceConflictException",
            "The operation cannot be performed at this time. An update is in progress for resource: {id} ({state})",
        ),
        frozenset({"Pending", "InProgress"}),
    ),
    Kind(
        "iam.role", "iam", "RoleName",
        {"GetRole": Read(by="RoleName", member="Role"), "ListRoles": Read("Roles")},
        {"CreateRole": Change(given("RoleName")), "DeleteRole": Change(given("RoleName"), removes=True)},
        ("NoSuchEntity", "The role with name {id} cannot be found.", 404),
    ),
    Kind(
        "secretsmanager.secret", "secretsmanager", "Name",
        {
            "DescribeSecret": Read(by="SecretId"),
            "GetSecretValue": Read(by="SecretId"),
            "ListSecrets": Read("SecretList"),
        },
        {"CreateSecret": Change(given("Name"))},
        ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400),
    ),
]
