"""RDS Proxy: proxies, what they lead to, and their further endpoints."""

from __future__ import annotations

from typing import Any

from ...errors import AwsError
from ..shapes import shaped
from ..template import Values
from .databases import retag
from .declare import ResourceType, Work, declare

# A data plane logs in anew for each: some seconds in all.
HEALTH_ASKS = 150


@declare("AWS::RDS::DBProxy")
class Proxy(ResourceType):
    mutable = frozenset({"Auth", "DebugLogging", "DefaultAuthScheme", "IdleClientTimeout", "RequireTLS", "RoleArn", "Tags", "VpcSecurityGroupIds"})

    def look(self, work: Work, name: str) -> Any:
        found = work.find("rds", "DescribeDBProxies", DBProxyName=name)
        return found["DBProxies"][0] if found and found["DBProxies"] else None

    def create(self, work: Work, properties: Values) -> str:
        work.ask("rds", "CreateDBProxy", **shaped("rds", "CreateDBProxy", properties))
        name = work.made(str(properties["DBProxyName"]))
        self.settle(work, name)
        return name

    def settle(self, work: Work, name: str) -> None:
        work.calls.until(lambda: (self.look(work, name) or {}).get("Status") == "available", f"DB proxy {name}")

    def attributes(self, work: Work, properties: Values) -> Values:
        found = self.look(work, work.id)
        return {"Endpoint": found["Endpoint"], "DBProxyArn": found["DBProxyArn"], "VpcId": found.get("VpcId")}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        retag(work, self.attributes(work, properties)["DBProxyArn"], properties, old)
        left = {key: properties[key] for key in changed - {"Tags"} if key in properties}
        if left:
            input = shaped("rds", "ModifyDBProxy", {**left, "DBProxyName": work.id}, VpcSecurityGroupIds="SecurityGroups")
            work.ask("rds", "ModifyDBProxy", **input)
            self.settle(work, work.id)

    def delete(self, work: Work, properties: Values) -> None:
        work.calls.insist(lambda: work.drop("rds", "DeleteDBProxy", DBProxyName=work.id))
        work.calls.until(lambda: self.look(work, work.id) is None, f"DB proxy {work.id}")


@declare("AWS::RDS::DBProxyTargetGroup")
class TargetGroup(ResourceType):
    """Every proxy has one, `default`: it is set here, and the targets are registered.

    It is complete once every instance behind it is AVAILABLE, which takes a secret that opens the database; the real one gives up
    after 20 minutes. https://github.com/aws/aws-cdk/issues/8919, and `validateHealth` of its provider's source,
    https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds-proxy
    """

    mutable = frozenset({"ConnectionPoolConfigurationInfo", "DBClusterIdentifiers", "DBInstanceIdentifiers"})
    tags = False

    def create(self, work: Work, properties: Values) -> str:
        place = {key: properties[key] for key in ("DBProxyName", "TargetGroupName")}
        group = work.ask("rds", "DescribeDBProxyTargetGroups", **place)["TargetGroups"][0]
        self.configure(work, properties)
        self.register(work, {}, properties)
        id = work.made(str(group["TargetGroupArn"]))
        self.settle(work, properties)
        return id

    def configure(self, work: Work, properties: Values) -> None:
        config = properties.get("ConnectionPoolConfigurationInfo")
        if config is not None:
            input = {"DBProxyName": properties["DBProxyName"], "TargetGroupName": properties["TargetGroupName"], "ConnectionPoolConfig": config}
            work.calls.insist(lambda: work.ask("rds", "ModifyDBProxyTargetGroup", **shaped("rds", "ModifyDBProxyTargetGroup", input)))

    def settle(self, work: Work, properties: Values) -> None:
        place = {key: properties[key] for key in ("DBProxyName", "TargetGroupName")}

        def healthy() -> bool:
            targets = work.ask("rds", "DescribeDBProxyTargets", **place)["Targets"]
            instances = [one for one in targets if one["Type"] == "RDS_INSTANCE"]
            return all(one.get("TargetHealth", {}).get("State") == "AVAILABLE" for one in instances)

        try:
            work.calls.until(healthy, "targets", HEALTH_ASKS)
        except AwsError as error:
            if error.code != "NotStabilized":
                raise
            raise AwsError("NotStabilized", "Timed out waiting for target group to become available.", 400) from None

    def register(self, work: Work, old: Values, new: Values) -> None:
        place = {key: (new or old)[key] for key in ("DBProxyName", "TargetGroupName")}
        for key in ("DBInstanceIdentifiers", "DBClusterIdentifiers"):
            before, after = set(old.get(key, [])), set(new.get(key, []))
            if before - after:
                work.drop("rds", "DeregisterDBProxyTargets", **place, **{key: sorted(before - after)})
            if after - before:
                input = {**place, key: sorted(after - before)}
                work.calls.insist(lambda input=input: work.ask("rds", "RegisterDBProxyTargets", **input))

    def attributes(self, work: Work, properties: Values) -> Values:
        return {"TargetGroupArn": work.id}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        if "ConnectionPoolConfigurationInfo" in changed:
            self.configure(work, properties)
        self.register(work, old, properties)
        self.settle(work, properties)

    def delete(self, work: Work, properties: Values) -> None:
        self.register(work, properties, {})


@declare("AWS::RDS::DBProxyEndpoint")
class ProxyEndpoint(ResourceType):
    mutable = frozenset({"VpcSecurityGroupIds", "Tags"})

    def look(self, work: Work, name: str) -> Any:
        found = work.find("rds", "DescribeDBProxyEndpoints", DBProxyEndpointName=name)
        return found["DBProxyEndpoints"][0] if found and found["DBProxyEndpoints"] else None

    def create(self, work: Work, properties: Values) -> str:
        work.ask("rds", "CreateDBProxyEndpoint", **shaped("rds", "CreateDBProxyEndpoint", properties))
        name = work.made(str(properties["DBProxyEndpointName"]))
        self.settle(work, name)
        return name

    def settle(self, work: Work, name: str) -> None:
        work.calls.until(lambda: (self.look(work, name) or {}).get("Status") == "available", f"DB proxy endpoint {name}")

    def attributes(self, work: Work, properties: Values) -> Values:
        found = self.look(work, work.id)
        return {
            "Endpoint": found["Endpoint"], "DBProxyEndpointArn": found["DBProxyEndpointArn"], "VpcId": found.get("VpcId"),
            "TargetRole": found.get("TargetRole"), "IsDefault": found.get("IsDefault", False),
        }

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        retag(work, self.attributes(work, properties)["DBProxyEndpointArn"], properties, old)
        if "VpcSecurityGroupIds" in changed:
            work.ask("rds", "ModifyDBProxyEndpoint", DBProxyEndpointName=work.id, VpcSecurityGroupIds=properties["VpcSecurityGroupIds"])
            self.settle(work, work.id)

    def delete(self, work: Work, properties: Values) -> None:
        work.calls.insist(lambda: work.drop("rds", "DeleteDBProxyEndpoint", DBProxyEndpointName=work.id))
        work.calls.until(lambda: self.look(work, work.id) is None, f"DB proxy endpoint {work.id}")
