"""Endpoints of RDS Proxies besides the default one, which moto lacks.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBProxyEndpoint.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-endpoints.html
"""

from __future__ import annotations

import datetime
import secrets
from typing import Any

from .. import interfaces
from ..errors import AwsError
from ..overlays import state_of
from ..registry import invents, repairs
from .proxies import proxy_of, require_available
from .rds_instances import rds, wrong


def stored(call: Any) -> dict[str, dict[str, Any]]:
    return call.account.remembered(call.region, "proxy-endpoints")


def one(call: Any) -> dict[str, Any]:
    name = call.input["DBProxyEndpointName"]
    if name not in stored(call):
        raise AwsError("DBProxyEndpointNotFoundFault", f"DB proxy endpoint {name} not found.", 404)
    return stored(call)[name]


@invents("proxy-endpoint", "rds", "CreateDBProxyEndpoint")
def create(call: Any) -> dict[str, Any]:
    input = call.input
    name, role = input["DBProxyEndpointName"], input.get("TargetRole", "READ_WRITE")
    proxy = proxy_of(call)
    if name in stored(call) or state_of(call.account, call.region, "rds.proxyEndpoint", name):
        raise wrong("DBProxyEndpointAlreadyExistsFault", f"DB proxy endpoint {name} already exists.")
    require_available(call, proxy.db_proxy_name)
    targets = proxy.proxy_target_groups["default"].targets
    if role == "READ_ONLY" and any(target.type != "TRACKED_CLUSTER" for target in targets):
        raise wrong("InvalidParameterCombination", "Read-only endpoints are not supported for RDS DB instances.")
    groups = input.get("VpcSecurityGroupIds") or proxy.vpc_security_group_ids
    network = interfaces.backend(call).get_subnet(input["VpcSubnetIds"][0])
    id = secrets.token_hex(6)
    stored(call)[name] = {
        "DBProxyEndpointName": name,
        "DBProxyEndpointArn": f"arn:aws:rds:{call.region}:{call.account.id}:db-proxy-endpoint:prx-endpoint-0{secrets.token_hex(8)}",
        "DBProxyName": proxy.db_proxy_name,
        "Status": "available",
        "VpcId": network.vpc_id,
        "VpcSecurityGroupIds": list(groups),
        "VpcSubnetIds": list(input["VpcSubnetIds"]),
        "Endpoint": f"{name}.endpoint.proxy-{id}.{call.region}.rds.amazonaws.com",
        "CreatedDate": datetime.datetime.now(datetime.UTC),
        "TargetRole": role,
        "IsDefault": False,
    }
    tags = {tag["Key"]: tag["Value"] for tag in input.get("Tags", [])}
    call.account.remembered(call.region, "proxy-endpoint-tags")[stored(call)[name]["DBProxyEndpointArn"]] = tags
    interfaces.place(call, f"proxy-endpoint:{name}", input["VpcSubnetIds"], groups, f"Network interface for DBProxyEndpoint {name}")
    return {"DBProxyEndpoint": dict(stored(call)[name])}


@invents("proxy-endpoint", "rds", "DescribeDBProxyEndpoints")
def describe(call: Any) -> dict[str, Any]:
    if call.input.get("DBProxyEndpointName"):
        return {"DBProxyEndpoints": [dict(one(call))]}
    wanted = call.input.get("DBProxyName")
    proxies = [proxy_of(call, wanted)] if wanted else list(rds(call).db_proxies.values())
    names = {proxy.db_proxy_name for proxy in proxies}
    return {"DBProxyEndpoints": [default_endpoint(proxy) for proxy in proxies] + [dict(item) for item in stored(call).values() if item["DBProxyName"] in names]}


def default_endpoint(proxy: Any) -> dict[str, Any]:
    return {
        "DBProxyEndpointName": "default",
        "DBProxyName": proxy.db_proxy_name,
        "Status": "available",
        "VpcId": proxy.vpc_id,
        "VpcSecurityGroupIds": list(proxy.vpc_security_group_ids),
        "VpcSubnetIds": list(proxy.vpc_subnet_ids),
        "Endpoint": proxy.endpoint,
        "CreatedDate": proxy.created_date.replace(tzinfo=datetime.UTC),
        "TargetRole": "READ_WRITE",
        "IsDefault": True,
    }


@invents("proxy-endpoint", "rds", "ModifyDBProxyEndpoint")
def modify(call: Any) -> dict[str, Any]:
    item = one(call)
    if "VpcSecurityGroupIds" in call.input:
        item["VpcSecurityGroupIds"] = call.input["VpcSecurityGroupIds"]
        interfaces.regroup(call, f"proxy-endpoint:{item['DBProxyEndpointName']}", item["VpcSecurityGroupIds"])
    return {"DBProxyEndpoint": dict(item)}


@invents("proxy-endpoint", "rds", "DeleteDBProxyEndpoint")
def delete(call: Any) -> dict[str, Any]:
    item = one(call)
    stored(call).pop(item["DBProxyEndpointName"])
    interfaces.release(call, f"proxy-endpoint:{item['DBProxyEndpointName']}", call.account.pace_of("rds.proxyEndpoint"))
    return {"DBProxyEndpoint": {**item, "Status": "deleting"}}


@repairs("proxy-endpoint", "rds", "ListTagsForResource", "AddTagsToResource", "RemoveTagsFromResource")
def tags(call: Any, proceed: Any) -> dict[str, Any]:
    name = call.input["ResourceName"]
    if ":db-proxy-endpoint:" not in name:
        return proceed()
    known = call.account.remembered(call.region, "proxy-endpoint-tags").get(name)
    if known is None:
        raise AwsError("DBProxyEndpointNotFoundFault", f"DB proxy endpoint {name} not found.", 404)
    if call.action == "ListTagsForResource":
        return {"TagList": [{"Key": key, "Value": value} for key, value in known.items()]}
    known.update({tag["Key"]: tag["Value"] for tag in call.input.get("Tags", [])})
    for key in call.input.get("TagKeys", []):
        known.pop(key, None)
    return {}
