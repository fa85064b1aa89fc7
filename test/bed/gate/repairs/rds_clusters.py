"""DB clusters: what RDS refuses."""

from __future__ import annotations

from typing import Any

from ..errors import AwsError
from ..registry import repairs
from .rds_catalog import VERSIONS, resolve_version
from .rds_instances import rds, refuse_groups, refuse_master_user, refuse_snapshot, wrong


@repairs("rds-create-cluster-refusals", "rds", "CreateDBCluster")
def refuse_create(call: Any, proceed: Any) -> dict[str, Any]:
    input = call.input
    name, engine = input["DBClusterIdentifier"], input["Engine"]
    if name in rds(call).clusters:
        raise wrong("DBClusterAlreadyExistsFault", "DB Cluster already exists")
    if engine not in VERSIONS:
        return proceed()
    version = resolve_version(engine, input.get("EngineVersion"))
    refuse_master_user(input)
    refuse_scaling(input.get("ServerlessV2ScalingConfiguration") or {})
    refuse_groups(call, input.get("VpcSecurityGroupIds", []), input.get("DBSubnetGroupName"))
    passed = {key: value for key, value in input.items() if key != "MasterUserAuthenticationType"}
    if input.get("MasterUserAuthenticationType") == "iam-db-auth":
        # moto wants a password of every cluster; nobody is told this one.
        passed["MasterUserPassword"] = "not-a-password-of-anybody"
        call.account.remembered(call.region, "master-by-iam")[name] = True
    return proceed({**passed, "EngineVersion": version})


def refuse_scaling(scaling: dict[str, Any]) -> None:
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ServerlessV2ScalingConfiguration.html
    for key, least in (("MinCapacity", 0), ("MaxCapacity", 1)):
        value = scaling.get(key)
        if value is not None and (value < least or value > 256 or value * 2 != int(value * 2)):
            raise wrong("InvalidParameterValue", f"Serverless v2 capacity {value} isn't valid. The {key} has to be a multiple of 0.5 between {least} and 256.")
    if scaling.get("SecondsUntilAutoPause") is not None and scaling.get("MinCapacity") != 0:
        raise wrong("InvalidParameterCombination", "SecondsUntilAutoPause can be specified only with a minimum capacity of 0.")


@repairs("rds-modify-cluster-missing", "rds", "ModifyDBCluster")
def refuse_modify(call: Any, proceed: Any) -> dict[str, Any]:
    name = call.input["DBClusterIdentifier"]
    if name not in rds(call).clusters:
        raise AwsError("DBClusterNotFoundFault", f"DBCluster {name} not found.", 404)
    refuse_scaling(call.input.get("ServerlessV2ScalingConfiguration") or {})
    return proceed()


@repairs("rds-delete-cluster-snapshot", "rds", "DeleteDBCluster")
def refuse_delete(call: Any, proceed: Any) -> dict[str, Any]:
    if call.input["DBClusterIdentifier"] in rds(call).clusters:
        refuse_snapshot(call, call.input, "FinalDBSnapshotIdentifier")
    return proceed()
