"""RDS: instances, clusters and their groups."""

from __future__ import annotations

from typing import Any

from ..shapes import shaped
from ..template import Values
from .declare import ResourceType, Work, as_list, changed_tags, declare


def retag(work: Work, arn: str, properties: Values, old: Values) -> None:
    added, removed = changed_tags(old, properties)
    if removed:
        work.ask("rds", "RemoveTagsFromResource", ResourceName=arn, TagKeys=removed)
    if added:
        work.ask("rds", "AddTagsToResource", ResourceName=arn, Tags=as_list(added))


class Database(ResourceType):
    """An instance or a cluster: the same calls with other words."""

    word = ""
    status = ""
    list_name = ""
    snapshots = ""
    # Names of properties that the API calls otherwise, None for those of the template alone.
    rename: dict[str, str | None] = {}
    # The same for changes.
    rename_changed: dict[str, str | None] = {"EnableCloudwatchLogsExports": None}
    # Only given at creation.
    fixed: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        return f"{self.word}Identifier"

    def replaced_by(self, changed: set[str]) -> bool:
        return bool(changed & self.fixed)

    def look(self, work: Work, id: str) -> Any:
        found = work.find("rds", f"Describe{self.word}s", **{self.key: id})
        return found[self.list_name][0] if found and found[self.list_name] else None

    def create(self, work: Work, properties: Values) -> str:
        id = str(properties.get(self.key) or work.name(63, lower=True)).lower()
        action = f"Create{self.word}"
        input = shaped("rds", action, {**properties, self.key: id}, **self.rename)
        work.ask("rds", action, **input)
        work.made(id)
        self.settle(work, id)
        return id

    def settle(self, work: Work, id: str) -> None:
        work.calls.until(lambda: (self.look(work, id) or {}).get(self.status) == "available", f"{self.word} {id}")

    def arn(self, work: Work) -> str:
        return str((self.look(work, work.id) or {})[f"{self.word}Arn"])

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        retag(work, self.arn(work), properties, old)
        left = {key: properties[key] for key in changed - {"Tags"} if key in properties}
        if left:
            action = f"Modify{self.word}"
            input = shaped("rds", action, {**left, self.key: work.id, "ApplyImmediately": True}, **self.rename, **self.rename_changed)
            work.ask("rds", action, **input)
            self.settle(work, work.id)

    def delete(self, work: Work, properties: Values) -> None:
        self.remove(work, properties, {"SkipFinalSnapshot": True})

    def snapshot(self, work: Work, properties: Values) -> None:
        name = f"{work.stack.name}-snapshot-{work.resource.logical}-{work.name()[-12:]}".lower()
        self.remove(work, properties, {"SkipFinalSnapshot": False, self.snapshots: name})

    def remove(self, work: Work, properties: Values, how: Values) -> None:
        found = self.look(work, work.id)
        if found is None:
            return
        work.calls.insist(lambda: work.drop("rds", f"Delete{self.word}", **{self.key: work.id}, **self.removal(found, how)))
        work.calls.until(lambda: self.look(work, work.id) is None, f"{self.word} {work.id}")

    def removal(self, found: Values, how: Values) -> Values:
        return how


def secret_of(found: Values) -> Values:
    arn = (found.get("MasterUserSecret") or {}).get("SecretArn")
    return {"MasterUserSecret.SecretArn": arn} if arn else {}


@declare("AWS::RDS::DBInstance")
class Instance(Database):
    word, status, list_name, snapshots = "DBInstance", "DBInstanceStatus", "DBInstances", "FinalDBSnapshotIdentifier"
    rename = {"VPCSecurityGroups": "VpcSecurityGroupIds", "DeleteAutomatedBackups": None, "AllowMajorVersionUpgrade": None}
    rename_changed = {"EnableCloudwatchLogsExports": None, "Port": "DBPortNumber"}
    fixed = frozenset({"DBInstanceIdentifier", "DBName", "DBSubnetGroupName", "Engine", "MasterUsername", "StorageEncrypted", "KmsKeyId", "AvailabilityZone", "DBClusterIdentifier", "SourceDBInstanceIdentifier"})

    def create(self, work: Work, properties: Values) -> str:
        if "SourceDBInstanceIdentifier" not in properties:
            return super().create(work, properties)
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html: a read replica
        id = str(properties.get(self.key) or work.name(63, lower=True)).lower()
        own = {key: value for key, value in properties.items() if key not in ("Engine", "EngineVersion")}
        input = shaped("rds", "CreateDBInstanceReadReplica", {**own, self.key: id}, **self.rename)
        work.ask("rds", "CreateDBInstanceReadReplica", **input)
        work.made(id)
        self.settle(work, id)
        return id

    def attributes(self, work: Work, properties: Values) -> Values:
        found = self.look(work, work.id)
        endpoint = found.get("Endpoint", {})
        return {
            "Endpoint.Address": endpoint.get("Address"), "Endpoint.Port": str(endpoint.get("Port")), "Endpoint.HostedZoneId": endpoint.get("HostedZoneId"),
            "DBInstanceArn": found["DBInstanceArn"], "DbiResourceId": found["DbiResourceId"], **secret_of(found),
        }

    def removal(self, found: Values, how: Values) -> Values:
        # Neither a cluster's member nor a replica has a snapshot of its own.
        alone = not found.get("DBClusterIdentifier") and not found.get("ReadReplicaSourceDBInstanceIdentifier")
        return how if alone else {"SkipFinalSnapshot": True}


@declare("AWS::RDS::DBCluster")
class Cluster(Database):
    word, status, list_name, snapshots = "DBCluster", "Status", "DBClusters", "FinalDBSnapshotIdentifier"
    rename = {"AssociatedRoles": None, "DeleteAutomatedBackups": None}
    fixed = frozenset({"DBClusterIdentifier", "DatabaseName", "DBSubnetGroupName", "Engine", "MasterUsername", "StorageEncrypted", "KmsKeyId"})

    def attributes(self, work: Work, properties: Values) -> Values:
        found = self.look(work, work.id)
        return {
            "Endpoint.Address": found.get("Endpoint"), "Endpoint.Port": str(found.get("Port")), "ReadEndpoint.Address": found.get("ReaderEndpoint"),
            "DBClusterArn": found["DBClusterArn"], "DBClusterResourceId": found["DbClusterResourceId"], **secret_of(found),
        }


@declare("AWS::RDS::DBSubnetGroup")
class SubnetGroup(ResourceType):
    mutable = frozenset({"DBSubnetGroupDescription", "SubnetIds", "Tags"})

    def create(self, work: Work, properties: Values) -> str:
        name = str(properties.get("DBSubnetGroupName") or work.name(255, lower=True)).lower()
        work.ask("rds", "CreateDBSubnetGroup", **shaped("rds", "CreateDBSubnetGroup", {**properties, "DBSubnetGroupName": name}))
        return name

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        input = {key: value for key, value in properties.items() if key != "Tags"}
        work.ask("rds", "ModifyDBSubnetGroup", **shaped("rds", "ModifyDBSubnetGroup", {**input, "DBSubnetGroupName": work.id}))
        retag(work, work.arn("rds", f"subgrp:{work.id}"), properties, old)

    def delete(self, work: Work, properties: Values) -> None:
        work.calls.insist(lambda: work.drop("rds", "DeleteDBSubnetGroup", DBSubnetGroupName=work.id))


class ParameterGroup(ResourceType):
    mutable = frozenset({"Parameters", "Tags"})
    word = ""
    arn_word = ""

    @property
    def key(self) -> str:
        return f"{self.word}Name"

    def create(self, work: Work, properties: Values) -> str:
        name = str(properties.get(self.key) or work.name(255, lower=True)).lower()
        rest = {key: value for key, value in properties.items() if key not in ("Parameters", self.key, "Family")}
        family = {"DBParameterGroupFamily": properties["Family"]}
        work.ask("rds", f"Create{self.word}", **shaped("rds", f"Create{self.word}", {**rest, **family, self.key: name}))
        work.made(name)
        self.set(work, name, properties.get("Parameters", {}))
        return name

    def set(self, work: Work, name: str, parameters: Values) -> None:
        if parameters:
            # Static parameters are taken at the next start, dynamic ones may wait for it as well.
            wanted = [{"ParameterName": key, "ParameterValue": str(value), "ApplyMethod": "pending-reboot"} for key, value in parameters.items()]
            work.ask("rds", f"Modify{self.word}", **{self.key: name}, Parameters=wanted)

    def attributes(self, work: Work, properties: Values) -> Values:
        return {self.key: work.id}

    def update(self, work: Work, properties: Values, old: Values, changed: set[str]) -> None:
        self.set(work, work.id, properties.get("Parameters", {}))
        retag(work, work.arn("rds", f"{self.arn_word}:{work.id}"), properties, old)

    def delete(self, work: Work, properties: Values) -> None:
        work.calls.insist(lambda: work.drop("rds", f"Delete{self.word}", **{self.key: work.id}))


@declare("AWS::RDS::DBParameterGroup")
class InstanceParameters(ParameterGroup):
    word, arn_word = "DBParameterGroup", "pg"


@declare("AWS::RDS::DBClusterParameterGroup")
class ClusterParameters(ParameterGroup):
    word, arn_word = "DBClusterParameterGroup", "cluster-pg"
