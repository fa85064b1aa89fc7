"""RDS Proxies. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBProxy.html"""

from __future__ import annotations

from typing import Any

from moto.core.utils import utcnow
from moto.ec2.exceptions import InvalidSubnetIdError

from .. import interfaces
from ..errors import AwsError
from ..overlays import overlays_of, state_of
from ..registry import repairs
from .rds_instances import rds, wrong


def proxy_of(call: Any, name: str | None = None) -> Any:
    """moto's own object; raises as RDS does when there is none."""
    wanted = name or call.input["DBProxyName"]
    proxy = rds(call).db_proxies.get(wanted)
    if proxy is None:
        raise AwsError("DBProxyNotFoundFault", f"DB proxy {wanted} not found.", 404)
    return proxy


def extras(call: Any, name: str) -> dict[str, Any]:
    """What moto's proxy has no place for."""
    return call.account.remembered(call.region, "proxies").setdefault(name, {"scheme": None, "init": None, "health": None})


@repairs("proxy-default-auth-scheme", "rds", "CreateDBProxy")
def create(call: Any, proceed: Any) -> dict[str, Any]:
    input = call.input
    scheme = input.get("DefaultAuthScheme", "NONE")
    refuse_auth(scheme, input.get("Auth"))
    refuse_network(call, input)
    # moto needs an Auth and knows no scheme: it gets one, which is taken away again.
    auth = input.get("Auth") or [{"AuthScheme": "SECRETS"}]
    output = proceed({**{key: value for key, value in input.items() if key not in ("DefaultAuthScheme", "EndpointNetworkType", "TargetConnectionNetworkType")}, "Auth": auth})
    name = input["DBProxyName"]
    proxy = proxy_of(call)
    proxy.auth = input.get("Auth") or []
    proxy.require_tls = bool(input.get("RequireTLS", False))
    call.account.remembered(call.region, "proxies").pop(name, None)
    extras(call, name)["scheme"] = scheme
    return {"DBProxy": mended(call, {**output["DBProxy"], "Auth": with_defaults(proxy.auth)})}


def refuse_auth(scheme: str, auth: list[dict[str, Any]] | None) -> None:
    if scheme not in ("NONE", "IAM_AUTH"):
        raise wrong("InvalidParameterValue", f"DefaultAuthScheme {scheme} is not valid. Valid values: NONE, IAM_AUTH")
    if scheme == "NONE" and not auth:
        raise wrong("InvalidParameterCombination", "You must specify Auth when DefaultAuthScheme is NONE.")
    for one in auth or []:
        if one.get("AuthScheme", "SECRETS") == "SECRETS" and not one.get("SecretArn"):
            raise wrong("InvalidParameterValue", "SecretArn is required for AuthScheme SECRETS.")


def refuse_network(call: Any, input: dict[str, Any]) -> None:
    ec2 = interfaces.backend(call)
    try:
        subnets = [ec2.get_subnet(id) for id in input["VpcSubnetIds"]]
    except InvalidSubnetIdError:
        raise wrong("InvalidSubnet", f"The requested subnet is invalid: {input['VpcSubnetIds']}") from None
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise wrong("InvalidSubnet", "DB Proxy requires at least two subnets in different Availability Zones")
    for id in input.get("VpcSecurityGroupIds", []):
        group = ec2.get_security_group_from_id(id)
        if group is None or group.vpc_id != subnets[0].vpc_id:
            raise wrong("InvalidParameterValue", f"Invalid security group , groupId= {id}, groupName=.")


def with_defaults(auth: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_UserAuthConfigInfo.html
    return [{"AuthScheme": "SECRETS", "IAMAuth": "DISABLED", "ClientPasswordAuthType": "POSTGRES_SCRAM_SHA_256", **one} for one in auth]


def mended(call: Any, item: dict[str, Any]) -> dict[str, Any]:
    scheme = extras(call, item["DBProxyName"])["scheme"]
    return {**item, "RequireTLS": item.get("RequireTLS", False), "Auth": with_defaults(item.get("Auth") or []), **({"DefaultAuthScheme": scheme} if scheme else {})}


@repairs("proxy-description", "rds", "DescribeDBProxies")
def describe(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    output["DBProxies"] = [mended(call, item) for item in output.get("DBProxies", [])]
    return output


@repairs("proxy-modify", "rds", "ModifyDBProxy")
def modify(call: Any, _proceed: Any) -> dict[str, Any]:
    input = call.input
    proxy = proxy_of(call)
    scheme = input.get("DefaultAuthScheme", extras(call, proxy.db_proxy_name)["scheme"] or "NONE")
    refuse_auth(scheme, input.get("Auth", proxy.auth))
    extras(call, proxy.db_proxy_name)["scheme"] = scheme
    for member, attribute in (
        ("Auth", "auth"),
        ("RequireTLS", "require_tls"),
        ("IdleClientTimeout", "idle_client_timeout"),
        ("DebugLogging", "debug_logging"),
        ("RoleArn", "role_arn"),
        ("SecurityGroups", "vpc_security_group_ids"),
    ):
        if member in input:
            setattr(proxy, attribute, input[member])
    if "SecurityGroups" in input:
        interfaces.regroup(call, f"proxy:{proxy.db_proxy_name}", input["SecurityGroups"])
    proxy.updated_date = utcnow()
    found = call.aws("rds", "DescribeDBProxies", DBProxyName=proxy.db_proxy_name)
    return {"DBProxy": mended(call, found["DBProxies"][0])}


@repairs("proxy-delete", "rds", "DeleteDBProxy")
def delete(call: Any, proceed: Any) -> dict[str, Any]:
    name = call.input["DBProxyName"]
    proxy_of(call)
    output = proceed()
    endpoints = call.account.remembered(call.region, "proxy-endpoints")
    for endpoint in [one for one, item in endpoints.items() if item["DBProxyName"] == name]:
        endpoints.pop(endpoint)
        overlays_of(call.account, call.region, "rds.proxyEndpoint").pop(endpoint, None)
        interfaces.release(call, f"proxy-endpoint:{endpoint}", call.account.pace_of("rds.proxy"))
    return output


@repairs("proxy-network-interfaces", "rds", "CreateDBProxy", "DeleteDBProxy")
def place_interfaces(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    owner = f"proxy:{call.input['DBProxyName']}"
    if call.action == "DeleteDBProxy":
        interfaces.release(call, owner, call.account.pace_of("rds.proxy"))
        return output
    proxy = output["DBProxy"]
    interfaces.place(call, owner, proxy["VpcSubnetIds"], proxy["VpcSecurityGroupIds"], f"Network interface for DBProxy {proxy['DBProxyName']}")
    return output


def require_available(call: Any, name: str) -> None:
    state = state_of(call.account, call.region, "rds.proxy", name)
    if state is not None:
        raise wrong("InvalidDBProxyStateFault", f"DB proxy {name} is in an invalid state: {state}")
