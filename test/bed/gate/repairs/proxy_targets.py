"""Targets and target groups of RDS Proxies: addresses, roles, health with its reasons, refusals.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBProxyTarget.html and API_TargetHealth.html
"""

from __future__ import annotations

from typing import Any

from ..errors import AwsError
from ..overlays import state_of
from ..registry import repairs
from .proxies import extras, proxy_of, require_available
from .rds_instances import rds, wrong


def registrations(call: Any) -> dict[str, int]:
    """Reads for which a target is still registering, by `proxy/target`."""
    return call.account.remembered(call.region, "registering")


@repairs("proxy-target-registration", "rds", "RegisterDBProxyTargets")
def register(call: Any, proceed: Any) -> dict[str, Any]:
    proxy = proxy_of(call)
    require_available(call, proxy.db_proxy_name)
    instances, clusters = call.input.get("DBInstanceIdentifiers", []), call.input.get("DBClusterIdentifiers", [])
    for id in instances:
        if id not in rds(call).databases:
            raise AwsError("DBInstanceNotFound", f"DBInstance {id} not found.", 404)
        if state_of(call.account, call.region, "rds.instance", id) in ("creating", "deleting"):
            raise wrong("InvalidDBInstanceState", f"DB instance {id} is not in a valid state for registration.")
    for id in clusters:
        if id not in rds(call).clusters:
            raise AwsError("DBClusterNotFoundFault", f"DBCluster {id} not found.", 404)
    for id in [*instances, *clusters]:
        if any(target.rds_resource_id == id for target in proxy.proxy_target_groups["default"].targets):
            raise wrong("DBProxyTargetAlreadyRegisteredFault", f"The target {id} is already registered with the proxy {proxy.db_proxy_name}")
    if proxy.proxy_target_groups["default"].targets:
        raise wrong("InvalidParameterCombination", f"The proxy {proxy.db_proxy_name} already has a target: deregister it first.")
    proceed()
    for id in [*instances, *clusters]:
        registrations(call)[f"{proxy.db_proxy_name}/{id}"] = call.account.pace_of("rds.proxyTarget")
    return {"DBProxyTargets": described(call, proxy, reading=False)}


@repairs("proxy-target-description", "rds", "DescribeDBProxyTargets")
def describe(call: Any, _proceed: Any) -> dict[str, Any]:
    return {"Targets": described(call, proxy_of(call), reading=True)}


def described(call: Any, proxy: Any, reading: bool) -> list[dict[str, Any]]:
    found = []
    for target in proxy.proxy_target_groups["default"].targets:
        health = health_of(call, proxy.db_proxy_name, target.rds_resource_id, reading)
        if target.type != "TRACKED_CLUSTER":
            found.append(instance_target(call, target.rds_resource_id, "READ_WRITE", health))
            continue
        cluster = rds(call).clusters.get(target.rds_resource_id)
        if cluster is None:
            continue
        found.append({"Endpoint": cluster.endpoint, "RdsResourceId": target.rds_resource_id, "Port": int(cluster.port), "Type": "TRACKED_CLUSTER"})
        for member in cluster.members:
            role = "READ_WRITE" if member is cluster.writer else "READ_ONLY"
            found.append({**instance_target(call, member.db_instance_identifier, role, health), "TrackedClusterId": target.rds_resource_id})
    return [one for one in found if one]


def instance_target(call: Any, id: str, role: str, health: dict[str, Any]) -> dict[str, Any]:
    instance = rds(call).databases.get(id)
    if instance is None:
        return {}
    return {
        "TargetArn": instance.db_instance_arn,
        "Endpoint": instance.address,
        "RdsResourceId": id,
        "Port": int(instance.port),
        "Type": "RDS_INSTANCE",
        "Role": role if health["State"] == "AVAILABLE" else "UNKNOWN",
        "TargetHealth": health,
    }


def health_of(call: Any, proxy: str, id: str, reading: bool) -> dict[str, Any]:
    forced = extras(call, proxy)["health"]
    if forced:
        return dict(forced)
    key = f"{proxy}/{id}"
    left = registrations(call).get(key, 0)
    if left > 0:
        if reading:
            registrations(call)[key] = left - 1
        return {"State": "UNAVAILABLE", "Reason": "PENDING_PROXY_CAPACITY", "Description": "DBProxy Target is waiting for proxy to scale to desired capacity"} if left > 1 else {"State": "REGISTERING"}
    return {"State": "AVAILABLE"}


@repairs("proxy-target-removal", "rds", "DeregisterDBProxyTargets")
def deregister(call: Any, proceed: Any) -> dict[str, Any]:
    proxy = proxy_of(call)
    ids = [*call.input.get("DBInstanceIdentifiers", []), *call.input.get("DBClusterIdentifiers", [])]
    for id in ids:
        if not any(target.rds_resource_id == id for target in proxy.proxy_target_groups["default"].targets):
            raise AwsError("DBProxyTargetNotFoundFault", f"The target {id} is not registered with the proxy {proxy.db_proxy_name}", 404)
    return proceed()


@repairs("proxy-target-group", "rds", "ModifyDBProxyTargetGroup", "DescribeDBProxyTargetGroups")
def target_group(call: Any, proceed: Any) -> dict[str, Any]:
    proxy = proxy_of(call)
    state = extras(call, proxy.db_proxy_name)
    config = call.input.get("ConnectionPoolConfig") or {}
    if call.action == "ModifyDBProxyTargetGroup":
        require_available(call, proxy.db_proxy_name)
        refuse_pool(proxy, config)
        if "InitQuery" in config:
            state["init"] = config["InitQuery"]
    output = proceed()
    for group in output.get("TargetGroups", []) or [output["DBProxyTargetGroup"]]:
        if state["init"]:
            group["ConnectionPoolConfig"]["InitQuery"] = state["init"]
    return output


def refuse_pool(proxy: Any, config: dict[str, Any]) -> None:
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ConnectionPoolConfiguration.html
    percent = config.get("MaxConnectionsPercent", proxy.proxy_target_groups["default"].max_connections)
    idle = config.get("MaxIdleConnectionsPercent")
    if not 1 <= int(percent) <= 100:
        raise wrong("InvalidParameterValue", f"MaxConnectionsPercent {percent} is not valid. It must be between 1 and 100.")
    if idle is not None and not 0 <= idle <= int(percent):
        raise wrong("InvalidParameterValue", f"MaxIdleConnectionsPercent {idle} is not valid. It must be between 0 and MaxConnectionsPercent ({percent}).")
    borrow = config.get("ConnectionBorrowTimeout")
    if borrow is not None and not 0 <= borrow <= 300:
        raise wrong("InvalidParameterValue", f"ConnectionBorrowTimeout {borrow} is not valid. It must be between 0 and 300.")
    if config.get("SessionPinningFilters") and proxy.engine_family == "POSTGRESQL":
        raise wrong("InvalidParameterValue", "SessionPinningFilters are not supported for engine family POSTGRESQL.")
