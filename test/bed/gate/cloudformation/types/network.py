"""EC2: VPCs, subnets, routes, gateways, endpoints."""

from __future__ import annotations

from typing import Any

from ..shapes import shaped
from ..template import Values
from .declare import ResourceType, Work, as_list, as_map, changed_tags, declare


def tag_on_create(kind: str, properties: Values) -> Values:
    tags = as_list(as_map(properties.get("Tags")))
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def retag(work: Work, id: str, properties: Values, old: Values) -> None:
    added, removed = changed_tags(old, properties)
    if removed:
        work.ask("ec2", "DeleteTags", Resources=[id], Tags=[{"Key": key} for key in removed])
    if added:
        work.ask("ec2", "CreateTags", Resources=[id], Tags=as_list(added))


def create(work: Work, action: str, kind: str, properties: Values, **rename: str | None) -> Values:
    return work.ask("ec2", action, **shaped("ec2", action, properties, Tags=None, **rename), **tag_on_create(kind, properties))


class Tagged(ResourceType):
    mutable = frozenset({"Tags"})

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        retag(work, work.id, properties, old)


@declare("AWS::EC2::VPC")
class Vpc(Tagged):
    mutable = frozenset({"Tags", "EnableDnsSupport", "EnableDnsHostnames"})

    def create(self, work: Work, properties: Values) -> str:
        made = create(work, "CreateVpc", "vpc", properties, EnableDnsSupport=None, EnableDnsHostnames=None)
        id = work.made(str(made["Vpc"]["VpcId"]))
        self.dns(work, id, properties)
        return id

    def dns(self, work: Work, id: str, properties: Values) -> None:
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            if name in properties:
                work.ask("ec2", "ModifyVpcAttribute", VpcId=id, **{name: {"Value": str(properties[name]).lower() == "true"}})

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        retag(work, work.id, properties, old)
        self.dns(work, work.id, properties)

    def attributes(self, work: Work, properties: Values) -> Values:
        mine = [{"Name": "vpc-id", "Values": [work.id]}]
        group = work.ask("ec2", "DescribeSecurityGroups", Filters=[*mine, {"Name": "group-name", "Values": ["default"]}])["SecurityGroups"][0]
        acl = work.ask("ec2", "DescribeNetworkAcls", Filters=mine)["NetworkAcls"][0]
        return {
            "VpcId": work.id, "CidrBlock": properties.get("CidrBlock"), "DefaultSecurityGroup": group["GroupId"],
            "DefaultNetworkAcl": acl["NetworkAclId"], "CidrBlockAssociations": [], "Ipv6CidrBlocks": [],
        }

    def delete(self, work: Work, properties: Values) -> None:
        work.calls.insist(lambda: work.drop("ec2", "DeleteVpc", VpcId=work.id))


@declare("AWS::EC2::Subnet")
class Subnet(Tagged):
    mutable = frozenset({"Tags", "MapPublicIpOnLaunch"})

    def create(self, work: Work, properties: Values) -> str:
        id = str(create(work, "CreateSubnet", "subnet", properties, MapPublicIpOnLaunch=None)["Subnet"]["SubnetId"])
        self.publish(work, id, properties)
        return id

    def publish(self, work: Work, id: str, properties: Values) -> None:
        if "MapPublicIpOnLaunch" in properties:
            value = str(properties["MapPublicIpOnLaunch"]).lower() == "true"
            work.ask("ec2", "ModifySubnetAttribute", SubnetId=id, MapPublicIpOnLaunch={"Value": value})

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        retag(work, work.id, properties, old)
        self.publish(work, work.id, properties)

    def attributes(self, work: Work, properties: Values) -> Values:
        subnet = work.ask("ec2", "DescribeSubnets", SubnetIds=[work.id])["Subnets"][0]
        return {name: subnet.get(name) for name in ("SubnetId", "VpcId", "AvailabilityZone", "AvailabilityZoneId", "CidrBlock")}

    def delete(self, work: Work, properties: Values) -> None:
        work.calls.insist(lambda: work.drop("ec2", "DeleteSubnet", SubnetId=work.id))


@declare("AWS::EC2::RouteTable")
class RouteTable(Tagged):
    def create(self, work: Work, properties: Values) -> str:
        return str(create(work, "CreateRouteTable", "route-table", properties)["RouteTable"]["RouteTableId"])

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"RouteTableId": work.id}

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("ec2", "DeleteRouteTable", RouteTableId=work.id)


@declare("AWS::EC2::Route")
class Route(ResourceType):
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        work.ask("ec2", "CreateRoute", **shaped("ec2", "CreateRoute", properties))
        return f"{properties['RouteTableId']}|{properties['DestinationCidrBlock']}"

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"CidrBlock": properties.get("DestinationCidrBlock")}

    def delete(self, work: Work, properties: Values) -> None:
        table, block = work.id.split("|")
        work.drop("ec2", "DeleteRoute", RouteTableId=table, DestinationCidrBlock=block)


@declare("AWS::EC2::SubnetRouteTableAssociation")
class SubnetRouteTableAssociation(ResourceType):
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        return str(work.ask("ec2", "AssociateRouteTable", **shaped("ec2", "AssociateRouteTable", properties))["AssociationId"])

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Id": work.id}

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("ec2", "DisassociateRouteTable", AssociationId=work.id)


@declare("AWS::EC2::InternetGateway")
class InternetGateway(Tagged):
    def create(self, work: Work, properties: Values) -> str:
        return str(create(work, "CreateInternetGateway", "internet-gateway", properties)["InternetGateway"]["InternetGatewayId"])

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"InternetGatewayId": work.id}

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("ec2", "DeleteInternetGateway", InternetGatewayId=work.id)


@declare("AWS::EC2::VPCGatewayAttachment")
class VpcGatewayAttachment(ResourceType):
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        work.ask("ec2", "AttachInternetGateway", **shaped("ec2", "AttachInternetGateway", properties))
        return f"IGW|{properties['VpcId']}"

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("ec2", "DetachInternetGateway", **shaped("ec2", "DetachInternetGateway", properties))


@declare("AWS::EC2::EIP")
class Eip(Tagged):
    def create(self, work: Work, properties: Values) -> str:
        return str(create(work, "AllocateAddress", "elastic-ip", properties)["PublicIp"])

    def allocation(self, work: Work) -> str | None:
        found = work.find("ec2", "DescribeAddresses", PublicIps=[work.id])
        return found["Addresses"][0]["AllocationId"] if found and found["Addresses"] else None

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"AllocationId": self.allocation(work), "PublicIp": work.id}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        retag(work, str(self.allocation(work)), properties, old)

    def delete(self, work: Work, properties: Values) -> None:
        allocation = self.allocation(work)
        if allocation is not None:
            work.drop("ec2", "ReleaseAddress", AllocationId=allocation)


@declare("AWS::EC2::NatGateway")
class NatGateway(Tagged):
    def create(self, work: Work, properties: Values) -> str:
        id = str(create(work, "CreateNatGateway", "natgateway", properties)["NatGateway"]["NatGatewayId"])
        work.calls.until(lambda: self.state(work, id) == "available", f"NAT gateway {id}")
        return id

    def state(self, work: Work, id: str) -> Any:
        found = work.find("ec2", "DescribeNatGateways", NatGatewayIds=[id])
        return found["NatGateways"][0]["State"] if found and found["NatGateways"] else "deleted"

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"NatGatewayId": work.id}

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("ec2", "DeleteNatGateway", NatGatewayId=work.id)
        work.calls.until(lambda: self.state(work, work.id) == "deleted", f"NAT gateway {work.id}")


@declare("AWS::EC2::VPCEndpoint")
class VpcEndpoint(Tagged):
    mutable = frozenset({"Tags", "PolicyDocument", "SecurityGroupIds", "SubnetIds", "RouteTableIds", "PrivateDnsEnabled"})

    def create(self, work: Work, properties: Values) -> str:
        id = str(create(work, "CreateVpcEndpoint", "vpc-endpoint", properties)["VpcEndpoint"]["VpcEndpointId"])
        work.calls.until(lambda: (self.look(work, id) or {}).get("State") == "available", f"VPC endpoint {id}")
        return id

    def look(self, work: Work, id: str) -> Any:
        found = work.find("ec2", "DescribeVpcEndpoints", VpcEndpointIds=[id])
        return found["VpcEndpoints"][0] if found and found["VpcEndpoints"] else None

    def attributes(self, work: Work, properties: Values) -> Values:
        endpoint = self.look(work, work.id) or {}
        entries = [f"{one.get('HostedZoneId', 'Z1')}:{one['DnsName']}" for one in endpoint.get("DnsEntries", []) if "DnsName" in one]
        return {"Id": work.id, "DnsEntries": entries, "NetworkInterfaceIds": endpoint.get("NetworkInterfaceIds", [])}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        retag(work, work.id, properties, old)
        input: Values = {}
        for name in changed & {"PolicyDocument", "PrivateDnsEnabled"}:
            input[name] = properties[name]
        for name in changed & {"SecurityGroupIds", "SubnetIds", "RouteTableIds"}:
            before, after = set(old.get(name, [])), set(properties.get(name, []))
            input |= {key: sorted(ids) for key, ids in ((f"Add{name}", after - before), (f"Remove{name}", before - after)) if ids}
        if input:
            work.ask("ec2", "ModifyVpcEndpoint", VpcEndpointId=work.id, **shaped("ec2", "ModifyVpcEndpoint", input))

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("ec2", "DeleteVpcEndpoints", VpcEndpointIds=[work.id])
        work.calls.until(lambda: (self.look(work, work.id) or {"State": "deleted"})["State"] == "deleted", f"VPC endpoint {work.id}")
