"""EC2: what still hangs on a group, a subnet or a route; rules that are there already; endpoints that AWS refuses."""

from __future__ import annotations

from typing import Any

from .. import interfaces
from ..errors import AwsError
from ..registry import repairs


def refused(code: str, message: str) -> AwsError:
    return AwsError(code, message, 400)


@repairs("ec2-aws-made-interfaces", "ec2", "DescribeNetworkInterfaces", "DeleteNetworkInterface")
def show_interfaces(call: Any, proceed: Any) -> dict[str, Any]:
    if call.action == "DescribeNetworkInterfaces":
        interfaces.tick(call)
        return proceed()
    id = call.input["NetworkInterfaceId"]
    if id in interfaces.held(call):
        raise refused("InvalidParameterValue", f"Network interface '{id}' is currently in use.")
    return proceed()


@repairs("ec2-group-in-use", "ec2", "DeleteSecurityGroup")
def refuse_group(call: Any, proceed: Any) -> dict[str, Any]:
    interfaces.tick(call)
    id = call.input.get("GroupId")
    ec2 = interfaces.backend(call)
    if id and (any(id in groups_of(interface) for interface in ec2.enis.values()) or referenced(call, id)):
        raise refused("DependencyViolation", f"resource {id} has a dependent object")
    return proceed()


def groups_of(interface: Any) -> list[str]:
    return [group.id for group in interface.group_set if group is not None]


def referenced(call: Any, id: str) -> bool:
    for group in call.aws("ec2", "DescribeSecurityGroups")["SecurityGroups"]:
        if group["GroupId"] == id:
            continue
        for permission in [*group.get("IpPermissions", []), *group.get("IpPermissionsEgress", [])]:
            if any(pair.get("GroupId") == id for pair in permission.get("UserIdGroupPairs", [])):
                return True
    return False


@repairs("ec2-subnet-in-use", "ec2", "DeleteSubnet")
def refuse_subnet(call: Any, proceed: Any) -> dict[str, Any]:
    interfaces.tick(call)
    id = call.input["SubnetId"]
    ec2 = interfaces.backend(call)
    used = any(interface.subnet.id == id for interface in ec2.enis.values())
    nat = any(gateway.subnet_id == id and gateway.state != "deleted" for gateway in ec2.nat_gateways.values())
    if used or nat:
        raise refused("DependencyViolation", f"The subnet '{id}' has dependencies and cannot be deleted.")
    return proceed()


@repairs("ec2-blackhole-route", "ec2", "DescribeRouteTables")
def show_blackholes(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    gateways = interfaces.backend(call).nat_gateways
    for table in output.get("RouteTables", []):
        for route in table.get("Routes", []):
            gateway = gateways.get(route.get("NatGatewayId", ""))
            if gateway is not None and gateway.state == "deleted":
                route["State"] = "blackhole"
    return output


RULES = [("UserIdGroupPairs", "GroupId"), ("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("PrefixListIds", "PrefixListId")]


def current(call: Any, direction: str) -> list[dict[str, Any]]:
    found = call.aws("ec2", "DescribeSecurityGroups", GroupIds=[call.input["GroupId"]])["SecurityGroups"][0]
    return found.get("IpPermissions" if direction == "Ingress" else "IpPermissionsEgress", [])


def same_ports(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one.get(key) == other.get(key) for key in ("IpProtocol", "FromPort", "ToPort"))


@repairs("ec2-rule-twice", "ec2", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
def refuse_same_rule(call: Any, proceed: Any) -> dict[str, Any]:
    if not call.input.get("GroupId"):
        return proceed()
    for permission in call.input.get("IpPermissions", []):
        for there in current(call, call.action.removeprefix("AuthorizeSecurityGroup")):
            for members, key in RULES:
                have = {item.get(key) for item in there.get(members, [])}
                again = [item for item in permission.get(members, []) if item.get(key) in have]
                if again and same_ports(permission, there):
                    raise refused(
                        "InvalidPermission.Duplicate",
                        f'the specified rule "peer: {again[0][key]}, {str(permission["IpProtocol"]).upper()}, from port: '
                        f'{permission.get("FromPort")}, to port: {permission.get("ToPort")}, ALLOW" already exists',
                    )
    return proceed()


@repairs("ec2-revoke-without-description", "ec2", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress")
def add_descriptions(call: Any, proceed: Any) -> dict[str, Any]:
    if not call.input.get("GroupId") or not call.input.get("IpPermissions"):
        return proceed()
    there = current(call, call.action.removeprefix("RevokeSecurityGroup"))
    permissions = []
    for permission in call.input["IpPermissions"]:
        filled = dict(permission)
        for members, key in RULES:
            if members in permission:
                filled[members] = [as_written(item, key, members, permission, there) for item in permission[members]]
        permissions.append(filled)
    return proceed({**call.input, "IpPermissions": permissions})


def as_written(item: dict[str, Any], key: str, members: str, permission: dict[str, Any], there: list[dict[str, Any]]) -> dict[str, Any]:
    for other in there:
        for written in other.get(members, []):
            if same_ports(permission, other) and written.get(key) == item.get(key) and "Description" in written:
                return {**item, "Description": written["Description"]}
    return item


@repairs("ec2-endpoint-refusals", "ec2", "CreateVpcEndpoint")
def refuse_endpoint(call: Any, proceed: Any) -> dict[str, Any]:
    input = call.input
    service = input.get("ServiceName", "")
    known = service.startswith(f"com.amazonaws.{call.region}.") and service.split(".", 3)[3] in SERVICES
    if not known and service.startswith("com.amazonaws."):
        raise refused("InvalidServiceName", f"The Vpc Endpoint Service '{service}' does not exist")
    ec2 = interfaces.backend(call)
    vpc = ec2.vpcs.get(input["VpcId"])
    if vpc is not None and input.get("VpcEndpointType") == "Interface" and input.get("PrivateDnsEnabled", True):
        if not (vpc.enable_dns_hostnames and vpc.enable_dns_support):
            raise refused(
                "InvalidParameter",
                f"Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {vpc.id}",
            )
        for other in ec2.vpc_end_points.values():
            if other.vpc_id == vpc.id and other.service_name == service and other.private_dns_enabled and other.state not in ("deleted", "deleting"):
                raise refused(
                    "InvalidParameter",
                    f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for {service.split('.')[-1]}.{call.region}.amazonaws.com in the VPC {vpc.id}",
                )
    return proceed()


SERVICES = {
    "secretsmanager", "lambda", "rds", "rds-data", "logs", "monitoring", "ec2", "sts", "kms", "ssm", "ssmmessages",
    "s3", "dynamodb", "sqs", "sns", "events", "execute-api", "ecr.api", "ecr.dkr", "xray", "states",
}


@repairs("ec2-endpoint-groups", "ec2", "CreateVpcEndpoint", "ModifyVpcEndpoint")
def group_interfaces(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    ec2 = interfaces.backend(call)
    id = call.input.get("VpcEndpointId") or output["VpcEndpoint"]["VpcEndpointId"]
    endpoint = ec2.vpc_end_points.get(id)
    wanted = call.input.get("SecurityGroupIds") or getattr(endpoint, "security_group_ids", None) or []
    for interface in getattr(endpoint, "network_interface_ids", None) or []:
        eni = ec2.enis.get(interface)
        if eni is not None:
            eni.interface_type = "vpc_endpoint"
            eni.requester_managed = True
            eni.status = "in-use"
            eni.description = f"VPC Endpoint Interface {id}"
            if wanted:
                eni._group_set = [ec2.get_security_group_from_id(group) for group in wanted]
    return output


@repairs("ec2-endpoint-removal", "ec2", "DeleteVpcEndpoints")
def remove_interfaces(call: Any, proceed: Any) -> dict[str, Any]:
    ec2 = interfaces.backend(call)
    endpoints = [ec2.vpc_end_points[id] for id in call.input["VpcEndpointIds"] if id in ec2.vpc_end_points]
    left = {id: ec2.enis[id] for endpoint in endpoints for id in endpoint.network_interface_ids if id in ec2.enis}
    output = proceed()
    ec2.enis.update(left)
    for id in left:
        interfaces.held(call)[id] = {"owner": "endpoint", "reads": None}
    interfaces.release(call, "endpoint", call.account.pace_of("ec2.vpcEndpoint"))
    return output


@repairs("ec2-nat-removal", "ec2", "DeleteNatGateway")
def remove_nat_interface(call: Any, proceed: Any) -> dict[str, Any]:
    gateway = interfaces.backend(call).nat_gateways.get(call.input["NatGatewayId"])
    output = proceed()
    interface = getattr(gateway, "_eni", None)
    if interface is not None:
        interfaces.held(call)[interface.id] = {"owner": "nat", "reads": None}
        interfaces.release(call, "nat", call.account.pace_of("ec2.natGateway"))
    return output


@repairs("ec2-zone-description", "ec2", "DescribeAvailabilityZones")
def complete_zones(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    for zone in output.get("AvailabilityZones", []):
        zone.setdefault("OptInStatus", "opt-in-not-required")
        zone.setdefault("GroupName", f"{call.region}-zg-1")
    return output
