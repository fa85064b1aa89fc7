"""EC2: security groups and their rules, inline or apart."""

from __future__ import annotations

from ..shapes import shaped
from ..template import Values
from .declare import ResourceType, Work, declare
from .network import Tagged, create, retag

EVERYWHERE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
PEERS = {
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
}


def permission(rule: Values) -> Values:
    """A rule of a template as EC2's call has it."""
    made: Values = {name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule}
    for name, (list_name, member) in PEERS.items():
        if name in rule:
            peer = {member: rule[name], **({"Description": rule["Description"]} if "Description" in rule else {})}
            made[list_name] = [peer]
    return dict(shaped("ec2", "AuthorizeSecurityGroupIngress", {"IpPermissions": [made]})["IpPermissions"][0])


@declare("AWS::EC2::SecurityGroup")
class SecurityGroup(Tagged):
    mutable = frozenset({"Tags", "SecurityGroupIngress", "SecurityGroupEgress"})

    def create(self, work: Work, properties: Values) -> str:
        named = {"GroupName": properties.get("GroupName") or work.name(255), "GroupDescription": properties["GroupDescription"]}
        input = {**named, **{name: properties[name] for name in ("VpcId", "Tags") if name in properties}}
        id = str(create(work, "CreateSecurityGroup", "security-group", input, GroupDescription="Description")["GroupId"])
        work.made(id)
        self.rules(work, id, "Ingress", [], properties.get("SecurityGroupIngress", []))
        if "SecurityGroupEgress" in properties:
            work.ask("ec2", "RevokeSecurityGroupEgress", GroupId=id, IpPermissions=[EVERYWHERE])
            self.rules(work, id, "Egress", [], properties["SecurityGroupEgress"])
        return id

    def rules(self, work: Work, id: str, way: str, old: list[Values], new: list[Values]) -> None:
        gone, added = ([one for one in some if one not in others] for some, others in ((old, new), (new, old)))
        if gone:
            work.ask("ec2", f"RevokeSecurityGroup{way}", GroupId=id, IpPermissions=[permission(one) for one in gone])
        if added:
            work.ask("ec2", f"AuthorizeSecurityGroup{way}", GroupId=id, IpPermissions=[permission(one) for one in added])

    def attributes(self, work: Work, properties: Values) -> Values:
        group = work.ask("ec2", "DescribeSecurityGroups", GroupIds=[work.id])["SecurityGroups"][0]
        return {"GroupId": work.id, "VpcId": group.get("VpcId"), "Id": work.id}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        retag(work, work.id, properties, old)
        for way in ("Ingress", "Egress"):
            name = f"SecurityGroup{way}"
            if name in changed:
                self.rules(work, work.id, way, old.get(name, []), properties.get(name, []))

    def delete(self, work: Work, properties: Values) -> None:
        work.calls.insist(lambda: work.drop("ec2", "DeleteSecurityGroup", GroupId=work.id))


class Rule(ResourceType):
    tags = False
    way = ""

    def create(self, work: Work, properties: Values) -> str:
        made = work.ask("ec2", f"AuthorizeSecurityGroup{self.way}", GroupId=properties["GroupId"], IpPermissions=[permission(properties)])
        rules = made.get("SecurityGroupRules") or [{}]
        return str(rules[0].get("SecurityGroupRuleId") or work.name())

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"Id": work.id}

    def delete(self, work: Work, properties: Values) -> None:
        work.drop("ec2", f"RevokeSecurityGroup{self.way}", GroupId=properties["GroupId"], IpPermissions=[permission(properties)])


@declare("AWS::EC2::SecurityGroupIngress")
class Ingress(Rule):
    way = "Ingress"


@declare("AWS::EC2::SecurityGroupEgress")
class Egress(Rule):
    way = "Egress"
