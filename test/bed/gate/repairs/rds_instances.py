"""DB instances: what RDS refuses, ids, passwords that it manages, changes that wait, network interfaces."""

from __future__ import annotations

import json
import secrets
import string
import time
import uuid
from typing import Any

from moto.rds.models import rds_backends
from moto.secretsmanager.models import secretsmanager_backends

from .. import interfaces
from ..errors import AwsError
from ..overlays import state_of
from ..registry import repairs
from .rds_catalog import VERSIONS, check_class, family, resolve_version

RESERVED_USERS = {"rdsadmin", "admin", "rds_superuser", "rdsrepladmin", "user"}
# Of ModifyDBInstance: what waits for the maintenance window without ApplyImmediately.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html
WAITING = ["DBInstanceClass", "AllocatedStorage", "EngineVersion", "MultiAZ", "StorageType", "Iops", "DBPortNumber"]


def rds(call: Any) -> Any:
    return rds_backends[call.account.id][call.region]


def wrong(code: str, message: str) -> AwsError:
    return AwsError(code, message, 400)


@repairs("rds-create-instance-refusals", "rds", "CreateDBInstance")
def refuse_create(call: Any, proceed: Any) -> dict[str, Any]:
    input = call.input
    engine = input.get("Engine", "")
    if engine not in VERSIONS:
        return proceed()
    version = resolve_version(engine, input.get("EngineVersion"))
    check_class(engine, input["DBInstanceClass"], version)
    if "DBClusterIdentifier" not in input:
        refuse_storage(input)
        refuse_master_user(input)
    refuse_groups(call, input.get("VpcSecurityGroupIds", []), input.get("DBSubnetGroupName"))
    refuse_parameter_group(call, input.get("DBParameterGroupName"), family(engine, version))
    if "DBClusterIdentifier" in input:
        return proceed({key: value for key, value in input.items() if key != "MasterUserAuthenticationType"})
    # IAM authentication has to be on for a master user that logs in by it.
    return proceed({**input, "EngineVersion": version})


def refuse_storage(input: dict[str, Any]) -> None:
    size, kind = input.get("AllocatedStorage"), input.get("StorageType", "gp2")
    least = {"gp3": 20, "gp2": 20, "io1": 100, "io2": 100, "standard": 5}.get(kind, 20)
    if size is not None and size < least:
        raise wrong("InvalidParameterCombination", f"Invalid storage size for engine name postgres and storage type {kind}: {size}")


def refuse_master_user(input: dict[str, Any]) -> None:
    user, password = input.get("MasterUsername"), input.get("MasterUserPassword")
    by_iam = input.get("MasterUserAuthenticationType") == "iam-db-auth"
    managed = input.get("ManageMasterUserPassword")
    if user in RESERVED_USERS:
        raise wrong("InvalidParameterValue", f"MasterUsername {user} cannot be used as it is a reserved word used by the engine")
    if managed and password is not None:
        raise wrong("InvalidParameterCombination", "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled.")
    if by_iam and (managed or password is not None):
        raise wrong("InvalidParameterCombination", "You can't specify a master user password with MasterUserAuthenticationType iam-db-auth.")
    if by_iam and not input.get("EnableIAMDatabaseAuthentication"):
        raise wrong("InvalidParameterCombination", "IAM database authentication must be enabled for MasterUserAuthenticationType iam-db-auth.")
    if not managed and not by_iam and password is None:
        raise wrong("InvalidParameterValue", "The parameter MasterUserPassword must be provided and must not be blank.")
    if password is not None and len(password) < 8:
        raise wrong("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.")
    if password is not None and set(password) & set('/@" '):
        raise wrong("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.")


def refuse_groups(call: Any, groups: list[str], subnet_group: str | None) -> None:
    network = rds(call).subnet_groups.get(subnet_group) if subnet_group else None
    for id in groups:
        group = interfaces.backend(call).get_security_group_from_id(id)
        if group is None:
            raise wrong("InvalidParameterValue", f"Invalid security group , groupId= {id}, groupName=.")
        if network is not None and group.vpc_id != network.vpc_id:
            raise wrong(
                "InvalidParameterCombination",
                f"The DB instance and EC2 security group are in different VPCs. The DB instance is in {network.vpc_id} "
                f"and the EC2 security group is in {group.vpc_id}",
            )


def refuse_parameter_group(call: Any, name: str | None, needed: str) -> None:
    group = rds(call).db_parameter_groups.get(name) if name else None
    has = group.family if group is not None else needed
    if has != needed:
        raise wrong(
            "InvalidParameterCombination",
            f"The parameter group {name} with DBParameterGroupFamily {has} can't be used for this instance. "
            f"Please use a parameter group with DBParameterGroupFamily {needed}",
        )


@repairs("rds-instance-identity", "rds", "CreateDBInstance", "CreateDBInstanceReadReplica", "RestoreDBInstanceFromDBSnapshot")
def give_identity(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    instance = rds(call).databases[call.input["DBInstanceIdentifier"]]
    letters = string.ascii_uppercase + string.digits
    instance.dbi_resource_id = "db-" + "".join(secrets.choice(letters) for _ in range(26))
    return {"DBInstance": {**output["DBInstance"], "DbiResourceId": instance.dbi_resource_id}}


@repairs("rds-managed-secret", "rds", "CreateDBInstance", "CreateDBCluster", "ModifyDBInstance", "ModifyDBCluster")
def fill_managed_secret(call: Any, proceed: Any) -> dict[str, Any]:
    rotates = call.input.get("RotateMasterUserPassword")
    if rotates and not call.input.get("ApplyImmediately"):
        raise wrong("InvalidParameterCombination", "You must specify apply immediately when rotating the master user password.")
    # moto's own rotation leaves a version without a value.
    output = proceed({key: value for key, value in call.input.items() if key != "RotateMasterUserPassword"})
    described = output.get("DBInstance") or output.get("DBCluster") or {}
    arn = (described.get("MasterUserSecret") or {}).get("SecretArn")
    if arn and rotates:
        begin_master_rotation(call, described)
    elif arn and call.input.get("ManageMasterUserPassword"):
        write_managed_secret(call, arn, described["MasterUsername"], first=True)
    return output


def begin_master_rotation(call: Any, described: dict[str, Any]) -> None:
    reads = call.account.pace_of("rds.masterSecret")
    rotations = call.account.remembered(call.region, "master-rotations")
    rotations[described["MasterUserSecret"]["SecretArn"]] = reads
    show_master_rotation(call, described, counts=False)


def show_master_rotation(call: Any, described: dict[str, Any], counts: bool) -> None:
    """`rotating` for some reads; then the new password is there, and the status is `active`."""
    secret = described.get("MasterUserSecret") or {}
    rotations = call.account.remembered(call.region, "master-rotations")
    left = rotations.get(secret.get("SecretArn"))
    if left is None:
        return
    if left > 0:
        described["MasterUserSecret"] = {**secret, "SecretStatus": "rotating"}
        rotations[secret["SecretArn"]] = left - (1 if counts else 0)
        return
    del rotations[secret["SecretArn"]]
    write_managed_secret(call, secret["SecretArn"], described["MasterUsername"], first=False)
    described["MasterUserSecret"] = {**secret, "SecretStatus": "active"}


@repairs("rds-master-rotation", "rds", "DescribeDBInstances", "DescribeDBClusters")
def follow_master_rotation(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    for described in [*output.get("DBInstances", []), *output.get("DBClusters", [])]:
        show_master_rotation(call, described, counts=True)
    return output


def write_managed_secret(call: Any, arn: str, user: str, first: bool) -> None:
    secret = secretsmanager_backends[call.account.id][call.region].secrets[arn]
    alphabet = string.ascii_letters + string.digits + "!#$%&()*+,-.:;<=>?[]^_{|}~"
    value = json.dumps({"username": user, "password": "".join(secrets.choice(alphabet) for _ in range(28))})
    secret.rotation_requested = secret.rotation_enabled = True
    secret.auto_rotate_after_days = 7
    secret.secret_string = value
    if first:
        secret.versions[secret.default_version_id]["secret_string"] = value
        return
    version = str(uuid.uuid4())
    written = {"createdate": int(time.time()), "version_id": version, "version_stages": ["AWSCURRENT"], "secret_string": value}
    secret.reset_default_version(written, version)


@repairs("rds-pending-modified-values", "rds", "ModifyDBInstance", "DescribeDBInstances", "RebootDBInstance")
def hold_changes(call: Any, proceed: Any) -> dict[str, Any]:
    waiting = call.account.remembered(call.region, "waiting")
    if call.action == "DescribeDBInstances":
        output = proceed()
        for instance in output.get("DBInstances", []):
            instance["PendingModifiedValues"] = waiting.get(instance["DBInstanceIdentifier"], {}).get("values", {})
            show_reboot(instance, waiting)
        return output
    name = call.input["DBInstanceIdentifier"]
    state = waiting.setdefault(name, {"values": {}, "reboot": False})
    if call.action == "RebootDBInstance":
        state["reboot"] = False
        return proceed()
    refuse_change(call)
    current = call.aws("rds", "DescribeDBInstances", DBInstanceIdentifier=name)["DBInstances"][0]
    held = {key: call.input[key] for key in WAITING if key in call.input and call.input[key] != current.get(key)}
    applied = call.input
    if not call.input.get("ApplyImmediately"):
        applied = {key: value for key, value in call.input.items() if key not in WAITING}
        state["values"].update({("Port" if key == "DBPortNumber" else key): value for key, value in held.items()})
    else:
        state["values"] = {}
    group = call.input.get("DBParameterGroupName")
    if group and group not in [one["DBParameterGroupName"] for one in current.get("DBParameterGroups", [])]:
        state["reboot"] = True
    output = proceed(applied)
    output["DBInstance"]["PendingModifiedValues"] = state["values"]
    show_reboot(output["DBInstance"], waiting)
    if "VpcSecurityGroupIds" in applied:
        interfaces.regroup(call, f"db:{name}", applied["VpcSecurityGroupIds"])
    return output


def subnet_group_of(instance: Any) -> str | None:
    group = getattr(instance, "db_subnet_group", None)
    return group.name if group is not None else None


def show_reboot(instance: dict[str, Any], waiting: dict[str, Any]) -> None:
    if waiting.get(instance["DBInstanceIdentifier"], {}).get("reboot"):
        for group in instance.get("DBParameterGroups", []):
            group["ParameterApplyStatus"] = "pending-reboot"


def refuse_change(call: Any) -> None:
    input = call.input
    name = input["DBInstanceIdentifier"]
    instance = rds(call).databases.get(name)
    if instance is None or instance.engine not in VERSIONS:
        return
    refuse_groups(call, input.get("VpcSecurityGroupIds", []), subnet_group_of(instance))
    if "DBInstanceClass" in input:
        check_class(instance.engine, input["DBInstanceClass"], str(instance.engine_version))
    if "EngineVersion" in input:
        resolve_version(instance.engine, input["EngineVersion"])
    if "MasterUserPassword" in input and getattr(instance, "manage_master_user_password", False) and input.get("ManageMasterUserPassword") is not False:
        raise wrong("InvalidParameterCombination", "You can't specify MasterUserPassword for an instance with a managed master user password.")
    if "AllocatedStorage" in input and input["AllocatedStorage"] < instance.allocated_storage:
        raise wrong("InvalidParameterCombination", f"Invalid storage size: {input['AllocatedStorage']} is less than the allocated {instance.allocated_storage}")


@repairs("rds-delete-instance-snapshot", "rds", "DeleteDBInstance")
def refuse_delete(call: Any, proceed: Any) -> dict[str, Any]:
    input = call.input
    instance = rds(call).databases.get(input["DBInstanceIdentifier"])
    if instance is not None and instance.db_cluster_identifier is None:
        refuse_snapshot(call, input, "FinalDBSnapshotIdentifier")
        snapshot = input.get("FinalDBSnapshotIdentifier")
        if snapshot and snapshot in rds(call).database_snapshots:
            raise wrong("DBSnapshotAlreadyExists", f"Cannot create the snapshot because a snapshot with the identifier {snapshot} already exists.")
        state = state_of(call.account, call.region, "rds.instance", input["DBInstanceIdentifier"])
        if snapshot and state == "creating":
            raise wrong("InvalidDBInstanceState", f"Cannot create a final snapshot because the DB instance {input['DBInstanceIdentifier']} is {state}.")
    return proceed()


def refuse_snapshot(call: Any, input: dict[str, Any], member: str) -> None:
    skips, name = input.get("SkipFinalSnapshot"), input.get(member)
    if not skips and not name:
        raise wrong("InvalidParameterCombination", f"{member} is required unless SkipFinalSnapshot is specified.")
    if skips and name:
        raise wrong("InvalidParameterCombination", f"{member} can not be specified when deleting with SkipFinalSnapshot enabled.")


@repairs("rds-instance-description", "rds", "CreateDBInstance", "DescribeDBInstances", "ModifyDBInstance")
def complete(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    for item in output.get("DBInstances") or [output.get("DBInstance") or {}]:
        if item:
            complete_one(call, item)
    return output


def complete_one(call: Any, item: dict[str, Any]) -> None:
    if "Endpoint" in item:
        # The zone of us-east-1: https://docs.aws.amazon.com/general/latest/gr/rds-service.html
        item["Endpoint"] = {**item["Endpoint"], "HostedZoneId": "Z2R2ITUGPM61AM"}
    if item.get("KmsKeyId") == "default_kms_key_id":
        item["KmsKeyId"] = f"arn:aws:kms:{call.region}:{call.account.id}:key/00000000-0000-4000-8000-000000000000"
    item["CertificateDetails"] = {"CAIdentifier": "rds-ca-rsa2048-g1"}
    item["CACertificateIdentifier"] = "rds-ca-rsa2048-g1"
    cluster = rds(call).clusters.get(item.get("DBClusterIdentifier") or "")
    if cluster is not None and not item.get("DBSubnetGroup") and cluster.db_subnet_group_name in rds(call).subnet_groups:
        found = call.aws("rds", "DescribeDBSubnetGroups", DBSubnetGroupName=cluster.db_subnet_group_name)
        item["DBSubnetGroup"] = found["DBSubnetGroups"][0]


@repairs("rds-network-interfaces", "rds", "CreateDBInstance", "DeleteDBInstance")
def place_interfaces(call: Any, proceed: Any) -> dict[str, Any]:
    output = proceed()
    owner = f"db:{call.input['DBInstanceIdentifier']}"
    if call.action == "DeleteDBInstance":
        interfaces.release(call, owner, call.account.pace_of("rds.instance"))
        return output
    instance = output["DBInstance"]
    subnets = [subnet["SubnetIdentifier"] for subnet in (instance.get("DBSubnetGroup") or {}).get("Subnets", [])]
    groups = [group["VpcSecurityGroupId"] for group in instance.get("VpcSecurityGroups", [])]
    interfaces.place(call, owner, subnets[:1], groups, "RDSNetworkInterface")
    return output


@repairs("rds-master-by-iam", "rds", "CreateDBInstance")
def master_by_iam(call: Any, proceed: Any) -> dict[str, Any]:
    if call.input.get("MasterUserAuthenticationType") != "iam-db-auth":
        return proceed()
    refuse_master_user(call.input)
    output = proceed()
    call.account.remembered(call.region, "master-by-iam")[call.input["DBInstanceIdentifier"]] = True
    return output
